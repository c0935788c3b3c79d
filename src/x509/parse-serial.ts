import { MeshError } from '../lib/errors.ts';

const FORM = /^(?:[0-9a-f]{2}){1,20}$/;

/**
 * A serial number as `Certificate.serial` has it, from the ways in which programs print it: upper or
 * lower case, with colons, with `0x` before it.
 *
 * @throws {MeshError} ERR_USAGE quoting the text.
 */
export function parseSerial(text: string): string {
  const plain = text.slice(0, 128).trim().toLowerCase().replace(/^0x/, '').replaceAll(':', '');
  const even = plain.length % 2 === 0 ? plain : `0${plain}`;
  const serial = even.replace(/^(?:00)+(?=..)/, '');
  if (FORM.test(serial)) return serial;
  throw new MeshError(
    'ERR_USAGE',
    `${JSON.stringify(text.slice(0, 64))} is not a serial number; write its hexadecimal digits as \`hauberk certs list\` shows them`,
  );
}
