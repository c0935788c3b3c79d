import { type DerReader, TAG } from './der-reader.ts';
import { latin1 } from './der-values.ts';
import { der } from './der-writer.ts';

const FORM = /^\d{14}Z$/;
const FIRST_YEAR = 1950;
const FIRST_GENERALIZED_YEAR = 2050;

/**
 * A UTCTime or GeneralizedTime in milliseconds since 1970: with seconds, in UTC, without fraction
 * (RFC 5280 4.1.2.5), from 1950 on.
 */
export function readTime(reader: DerReader): number {
  const utc = reader.peek() === TAG.utcTime;
  const text = latin1(reader.contents(utc ? TAG.utcTime : TAG.generalizedTime).subarray(0, 32));
  const atMs = parseTime(utc ? century(text) + text : text);
  if (atMs === undefined) reader.fail(`${JSON.stringify(text)} is not a time`);
  return atMs;
}

/** Two-digit years from 50 are of the 20th century. */
function century(text: string): string {
  return text >= '5' ? '19' : '20';
}

function parseTime(text: string): number | undefined {
  if (!FORM.test(text)) return undefined;
  const part = (start: number, length: number): number => Number(text.slice(start, start + length));
  const [year, month, day] = [part(0, 4), part(4, 2), part(6, 2)];
  const [hour, minute, second] = [part(8, 2), part(10, 2), part(12, 2)];
  const atMs = Date.UTC(year, month - 1, day, hour, minute, second);
  const inRange = year >= FIRST_YEAR && month <= 12 && hour <= 23 && minute <= 59 && second <= 59;
  // A day or month that does not exist, such as 31 February, is carried over to another day.
  return inRange && month >= 1 && new Date(atMs).getUTCDate() === day ? atMs : undefined;
}

/** UTCTime until 2049, GeneralizedTime from 2050; parts of a second are dropped. Years 1950 to 9999. */
export function timeDer(atMs: number): Uint8Array {
  const date = new Date(atMs);
  const year = date.getUTCFullYear();
  if (!(year >= FIRST_YEAR && year <= 9999)) {
    throw new RangeError(`${atMs} ms is not a time that a certificate can hold`);
  }
  const day = year * 10_000 + (date.getUTCMonth() + 1) * 100 + date.getUTCDate();
  const time =
    date.getUTCHours() * 10_000 + date.getUTCMinutes() * 100 + date.getUTCSeconds() + 1_000_000;
  // The leading 1 keeps the zeros of the hour.
  const text = `${day}${String(time).slice(1)}Z`;
  return year < FIRST_GENERALIZED_YEAR
    ? der(TAG.utcTime, Buffer.from(text.slice(2), 'latin1'))
    : der(TAG.generalizedTime, Buffer.from(text, 'latin1'));
}
