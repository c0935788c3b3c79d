import { expect, it } from 'vitest';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import { createIntermediate, createRoot } from './authority.ts';
import { dueRotation } from './rotation-schedule.ts';

const trustDomain = TrustDomain.parse('cluster.local');
const nowMs = Date.UTC(2026, 0, 1);
const root = createRoot({ trustDomain, nowMs, lifetimeMs: 1_000_000_000 });
const signer = createIntermediate(root, { trustDomain, nowMs, lifetimeMs: 100_000_000 });
const certificates = { root: root.certificate, signer: signer.certificate };

it.each([
  ['nothing', 49_000_000, undefined],
  ['the intermediate at half of its life', 50_000_000, 'intermediate'],
  ['the root, and with it the intermediate, at four fifths of its own', 800_000_000, 'root'],
])('replaces %s', (_name, laterMs, due) => {
  expect(dueRotation(certificates, nowMs + laterMs)).toBe(due);
});
