import { expect, it } from 'vitest';
import { testAuthority } from '../../test/kit/test-authority.ts';
import { isSignedBy, parseCertificate } from './certificate.ts';
import { generateKeyPair } from './key-pair.ts';
import { rememberSignature } from './known-signatures.ts';

const { root, intermediate } = testAuthority();

function again(certificate: { readonly der: Uint8Array }) {
  return parseCertificate(certificate.der);
}

function counting() {
  const counter = { times: 0, verify: () => ++counter.times > 0 };
  return counter;
}

it('verifies a certificate once, and an authority once however often it is read anew', () => {
  const key = generateKeyPair().publicKey;
  const authority = again(intermediate);
  const counter = counting();
  expect(rememberSignature(authority, key, counter.verify)).toBe(true);
  expect(rememberSignature(authority, key, counter.verify)).toBe(true);
  expect(rememberSignature(again(intermediate), key, counter.verify)).toBe(true);
  expect(counter.times).toBe(1);
});

it('knows nothing of another key', () => {
  const counter = counting();
  const authority = again(intermediate);
  rememberSignature(authority, generateKeyPair().publicKey, counter.verify);
  rememberSignature(authority, generateKeyPair().publicKey, counter.verify);
  expect(counter.times).toBe(2);
});

it('asks again where the signature was not good', () => {
  const key = generateKeyPair().publicKey;
  const authority = again(intermediate);
  expect(rememberSignature(authority, key, () => false)).toBe(false);
  expect(rememberSignature(authority, key, () => true)).toBe(true);
});

it('does not take an altered copy of an authority for the one it knows', () => {
  expect(isSignedBy(again(intermediate), root.publicKey)).toBe(true);
  const altered = new Uint8Array(intermediate.der);
  altered.set([(altered.at(-1) ?? 0) ^ 1], altered.length - 1);
  expect(isSignedBy(parseCertificate(altered), root.publicKey)).toBe(false);
});

it('forgets the oldest authority instead of growing without end', () => {
  const key = generateKeyPair().publicKey;
  const counter = counting();
  const many = Array.from({ length: 66 }, () => testAuthority().root);
  for (const authority of many) rememberSignature(authority, key, counter.verify);
  const [first, last] = [many[0] ?? root, many.at(-1) ?? root];
  rememberSignature(again(last), key, counter.verify);
  expect(counter.times).toBe(66);
  rememberSignature(again(first), key, counter.verify);
  expect(counter.times).toBe(67);
});
