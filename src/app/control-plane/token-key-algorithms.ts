/** The names of the kinds of keys that can sign tokens, for the command line. */
export const tokenKeyAlgorithms = ['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-4096'] as const;

export type TokenKeyAlgorithm = (typeof tokenKeyAlgorithms)[number];
