import { MeshError } from '../lib/errors.ts';
import { contextConstructed, contextTag, type DerReader, TAG } from './der-reader.ts';
import { latin1 } from './der-values.ts';
import { der, sequence } from './der-writer.ts';
import { ipBytes, ipText } from './ip-address.ts';

/** The alternative names of a certificate or request, by kind, each in the order given. */
export interface AltNames {
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
  /** Canonical text. */
  readonly ipSans: readonly string[];
}

const DNS = contextTag(2);
const URI = contextTag(6);
const IP = contextTag(7);
/** otherName, x400Address, directoryName, ediPartyName; e-mail; registeredID: allowed, not used here. */
const IGNORED: ReadonlySet<number> = new Set([
  ...[0, 3, 4, 5].map(contextConstructed),
  contextTag(1),
  contextTag(8),
]);

/** Reads GeneralNames (RFC 5280 4.2.1.6): at least one, URIs and DNS names of visible ASCII. */
export function readAltNames(reader: DerReader): AltNames {
  const uriSans: string[] = [];
  const dnsSans: string[] = [];
  const ipSans: string[] = [];
  reader.into(TAG.sequence, () => {
    do {
      const tag = reader.peek();
      if (tag === URI) uriSans.push(visibleText(reader, tag));
      else if (tag === DNS) dnsSans.push(visibleText(reader, tag));
      else if (tag === IP) ipSans.push(address(reader));
      else if (IGNORED.has(tag)) reader.element();
      else reader.fail('an alternative name of unknown kind');
    } while (reader.more);
  });
  return { uriSans, dnsSans, ipSans };
}

/** NUL, spaces and control characters have deceived many a name check; no name needs them. */
function visibleText(reader: DerReader, tag: number): string {
  const bytes = reader.contents(tag);
  if (bytes.length === 0) reader.fail('an empty alternative name');
  for (const byte of bytes) {
    if (byte <= 0x20 || byte >= 0x7f) reader.fail('an alternative name with an unprintable byte');
  }
  return latin1(bytes);
}

function address(reader: DerReader): string {
  const bytes = reader.contents(IP);
  if (bytes.length !== 4 && bytes.length !== 16) {
    reader.fail(`an IP address of ${bytes.length} bytes`);
  }
  return ipText(bytes);
}

const MAX_WRITTEN_BYTES = 8 * 1024;
const VISIBLE = /^[\x21-\x7e]+$/;

/**
 * The DER of GeneralNames; undefined when there are none.
 *
 * @throws {MeshError} ERR_ISSUANCE quoting a name that cannot be written.
 */
export function altNamesDer(names: Partial<AltNames>): Uint8Array | undefined {
  const { uriSans = [], dnsSans = [], ipSans = [] } = names;
  if (uriSans.length + dnsSans.length + ipSans.length === 0) return undefined;
  const parts = [
    ...uriSans.map((uri) => visible(URI, uri)),
    ...dnsSans.map((name) => visible(DNS, name)),
    ...ipSans.map((text) => {
      const bytes = ipBytes(text);
      if (bytes === undefined) {
        throw new MeshError('ERR_ISSUANCE', `"${text.slice(0, 64)}" is not an IP address`);
      }
      return der(IP, bytes);
    }),
  ];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > MAX_WRITTEN_BYTES) {
    throw new MeshError(
      'ERR_ISSUANCE',
      `alternative names of ${length} bytes; at most ${MAX_WRITTEN_BYTES} are written`,
    );
  }
  return sequence(...parts);
}

function visible(tag: number, text: string): Uint8Array {
  if (!VISIBLE.test(text)) {
    throw new MeshError(
      'ERR_ISSUANCE',
      `${JSON.stringify(text.slice(0, 80))} cannot be an alternative name; use visible ASCII characters`,
    );
  }
  return der(tag, Buffer.from(text, 'latin1'));
}
