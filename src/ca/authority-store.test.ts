import { expect, it } from 'vitest';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import { createIntermediate, createRoot } from './authority.ts';
import { type AuthorityFiles, decodeAuthorities, encodeAuthorities } from './authority-store.ts';

const request = {
  trustDomain: TrustDomain.parse('cluster.local'),
  nowMs: Date.UTC(2026, 0, 1),
  lifetimeMs: 86_400_000,
};
const root = createRoot(request);
const intermediate = createIntermediate(root, request);
const files = encodeAuthorities({ root, intermediate });
const otherRoot = createRoot(request);
const other = encodeAuthorities({
  root: otherRoot,
  intermediate: createIntermediate(otherRoot, request),
});

it('reads back what it wrote', () => {
  const back = decodeAuthorities(files);
  expect(back.root.certificate.serial).toBe(root.certificate.serial);
  expect(back.intermediate.certificate.serial).toBe(intermediate.certificate.serial);
});

it.each(Object.keys(files) as (keyof AuthorityFiles)[])('refuses a set without %s', (name) => {
  const { [name]: _left, ...rest } = files;
  expect(() => decodeAuthorities(rest)).toThrow(`it lacks ${name}`);
});

it.each<[string, AuthorityFiles, string]>([
  [
    'a key of another certificate',
    { ...files, 'ca-key.pem': other['ca-key.pem'] },
    'ca-key.pem is not the key of ca-cert.pem',
  ],
  [
    'an intermediate of another root',
    { ...files, 'ca-cert.pem': other['ca-cert.pem'], 'ca-key.pem': other['ca-key.pem'] },
    'ca-cert.pem is not signed by root-cert.pem',
  ],
])('refuses %s', (_name, mixed, reason) => {
  expect(() => decodeAuthorities(mixed)).toThrow(reason);
});
