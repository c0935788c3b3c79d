import { MeshError } from '../lib/errors.ts';

const BEGIN = '-----BEGIN ';
const DASHES = '-----';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** One PEM block (RFC 7468), lines of 64 characters, with a trailing newline. */
export function encodePem(label: string, der: Uint8Array): string {
  const text = Buffer.from(der).toString('base64');
  const lines = text.match(/.{1,64}/g) ?? [];
  return `${BEGIN}${label}${DASHES}\n${lines.join('\n')}\n-----END ${label}${DASHES}\n`;
}

/** Bounds of what is read. */
export interface PemOptions {
  /** Default 16. */
  readonly maxBlocks?: number;
  /** Of the text. Default 256 KiB. */
  readonly maxBytes?: number;
}

/**
 * The contents of the blocks with `label`, in order; text around blocks and blocks with other
 * labels are passed over.
 *
 * @throws {MeshError} ERR_DER when there is none, too many, or one that is not RFC 7468's strict form.
 */
export function decodePem(text: string, label: string, options: PemOptions = {}): Uint8Array[] {
  const { maxBlocks = 16, maxBytes = 256 * 1024 } = options;
  if (Buffer.byteLength(text) > maxBytes) refuse(`the PEM text has more than ${maxBytes} bytes`);
  const blocks: Uint8Array[] = [];
  for (const block of readBlocks(text)) {
    if (block.label !== label) continue;
    if (blocks.length === maxBlocks) refuse(`more than ${maxBlocks} PEM blocks "${label}"`);
    blocks.push(decodeBody(block.body, label));
  }
  if (blocks.length === 0) refuse(`no PEM block "${label}" in ${text.length} characters`);
  return blocks;
}

interface Block {
  readonly label: string;
  readonly body: string;
}

/** Every block of the text, by plain searching: no text makes it slow. */
function* readBlocks(text: string): Generator<Block> {
  let at = text.indexOf(BEGIN);
  while (at !== -1) {
    const labelEnd = text.indexOf(DASHES, at + BEGIN.length);
    const label = text.slice(at + BEGIN.length, labelEnd);
    if (labelEnd === -1 || !/^[A-Z0-9 ]{1,64}$/.test(label)) refuse('a PEM block without a label');
    const end = `-----END ${label}${DASHES}`;
    const bodyEnd = text.indexOf(DASHES, labelEnd + DASHES.length);
    if (bodyEnd === -1 || !text.startsWith(end, bodyEnd)) {
      refuse(`a PEM block "${label}" without its end line`);
    }
    yield { label, body: text.slice(labelEnd + DASHES.length, bodyEnd) };
    at = text.indexOf(BEGIN, bodyEnd + end.length);
  }
}

function decodeBody(body: string, label: string): Uint8Array {
  if (body.includes(':')) refuse(`a PEM block "${label}" with headers, perhaps encrypted`);
  const compact = body.replaceAll(/[ \t\r\n]+/g, '');
  if (compact === '' || !BASE64.test(compact)) refuse(`a PEM block "${label}" that is not base64`);
  return new Uint8Array(Buffer.from(compact, 'base64'));
}

function refuse(problem: string): never {
  throw new MeshError('ERR_DER', problem);
}
