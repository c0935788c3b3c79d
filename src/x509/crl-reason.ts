import { type DerReader, TAG } from './der-reader.ts';
import { der } from './der-writer.ts';

/** Why a certificate was revoked, by the numbers of RFC 5280 5.3.1; 7 is not used. */
const NUMBERS = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;

export type CrlReason = keyof typeof NUMBERS;

const BY_NUMBER = new Map(Object.entries(NUMBERS).map(([name, number]) => [number, name]));

/** A ReasonCode: one of the numbers that have a name. */
export function readReason(reader: DerReader): CrlReason {
  const bytes = reader.contents(TAG.enumerated);
  const name = bytes.length === 1 ? BY_NUMBER.get((bytes[0] ?? 0) as 0) : undefined;
  if (name === undefined) reader.fail('a reason for the revocation that has no name');
  return name as CrlReason;
}

export function reasonDer(reason: CrlReason): Uint8Array {
  return der(TAG.enumerated, Uint8Array.of(NUMBERS[reason]));
}

/** All of them. */
export const CRL_REASONS: readonly CrlReason[] = Object.keys(NUMBERS) as CrlReason[];
