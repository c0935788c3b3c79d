import type { KeyAlgorithm } from '../../x509/key-pair.ts';

/** The keys that an authority can be made with; the command line offers these. */
export const caKeyAlgorithms = [
  'ecdsa-p256',
  'ecdsa-p384',
  'ed25519',
  'rsa-2048',
  'rsa-4096',
] as const satisfies readonly KeyAlgorithm[];

export type CaKeyAlgorithm = (typeof caKeyAlgorithms)[number];
