import { MeshError } from '../../lib/errors.ts';

/** Statuses that a message can be refused with. */
export const BAD_REQUEST: number = 400;
export const FIELDS_TOO_LARGE: number = 431;
export const EXPECTATION_FAILED: number = 417;
export const BAD_GATEWAY: number = 502;
export const UNAVAILABLE: number = 503;

/** An ERR_WIRE for which a message is refused with an HTTP status. */
export function httpFault(reason: string, status: number = BAD_REQUEST): MeshError {
  return new MeshError('ERR_WIRE', reason, { cause: status });
}

/** The status to refuse a message with for anything that was thrown. */
export function statusOfFault(error: unknown): number {
  return MeshError.is(error) && typeof error.cause === 'number' ? error.cause : BAD_REQUEST;
}

const LONGEST_QUOTE = 80;

/** A piece of a message for reasons: printable, quoted and short. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, LONGEST_QUOTE));
}
