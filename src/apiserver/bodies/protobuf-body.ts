import type { Json } from '../../resources/json-tree.ts';
import { StatusError } from '../status-error.ts';
import type { JsonObject } from './json-object.ts';
import { type FieldRow, type FieldType, type Message, messages } from './protobuf-messages.ts';
import { malformed, type WireField, wireFields } from './protobuf-reader.ts';

const MAGIC = Uint8Array.of(0x6b, 0x38, 0x73, 0);
const DEEPEST = 32;

/**
 * The object in a body of `application/vnd.kubernetes.protobuf`: the magic, then runtime.Unknown with
 * apiVersion, kind and the message of that kind. SubjectAccessReview's groups are `groups` in JSON.
 *
 * @throws {StatusError} BadRequest when it is malformed; UnsupportedMediaType for a kind of which the
 *   field numbers are not known, which must be sent as JSON.
 */
export function decodeProtobufBody(body: Uint8Array): JsonObject {
  if (!MAGIC.every((byte, index) => body[index] === byte)) throw malformed();
  let typeMeta: Uint8Array = new Uint8Array();
  let raw: Uint8Array = new Uint8Array();
  for (const { number, value } of wireFields(body.subarray(MAGIC.length))) {
    if (typeof value === 'bigint') continue;
    if (number === 1) typeMeta = value;
    else if (number === 2) raw = value;
  }
  const { apiVersion = '', kind = '' } = typeMetaOf(typeMeta);
  const message = messageNamed(kind);
  if (message === undefined) {
    throw new StatusError(
      'UnsupportedMediaType',
      `${JSON.stringify(kind)} is not taken as protobuf here; send application/json`,
    );
  }
  return { apiVersion, kind, ...decodeMessage(raw, message, 0) };
}

function messageNamed(kind: string): Message | undefined {
  const known: Readonly<Record<string, Message>> = messages;
  return Object.hasOwn(known, kind) ? known[kind] : undefined;
}

function typeMetaOf(bytes: Uint8Array): { apiVersion?: string; kind?: string } {
  const found: { apiVersion?: string; kind?: string } = {};
  for (const { number, value } of wireFields(bytes)) {
    if (typeof value === 'bigint') continue;
    if (number === 1) found.apiVersion = textOf(value);
    else if (number === 2) found.kind = textOf(value);
  }
  return found;
}

function decodeMessage(bytes: Uint8Array, message: Message, depth: number): JsonObject {
  if (depth > DEEPEST) throw malformed();
  const fields = new Map<string, Json>();
  for (const field of wireFields(bytes)) {
    const row = message[field.number];
    if (row !== undefined) addField(fields, row, { field, depth });
  }
  return Object.fromEntries(fields);
}

interface Found {
  readonly field: WireField;
  readonly depth: number;
}

function addField(fields: Map<string, Json>, row: FieldRow, found: Found): void {
  const { json, type, repeated = false } = row;
  const old = fields.get(json);
  if (typeof type === 'object' && 'map' in type) {
    const entry = mapEntry(bytesOf(found.field), type.map);
    fields.set(json, Object.fromEntries([...Object.entries(old ?? {}), entry]) as JsonObject);
    return;
  }
  const value = decodeValue(type, found, repeated);
  if (value === undefined) return;
  if (repeated) fields.set(json, [...(Array.isArray(old) ? old : []), value]);
  else fields.set(json, value);
}

function decodeValue(
  type: FieldType,
  { field, depth }: Found,
  repeated: boolean,
): Json | undefined {
  if (typeof type === 'string') return decodeScalar(type, field, repeated);
  if ('map' in type) return undefined;
  const object = decodeMessage(bytesOf(field), messages[type.message], depth + 1);
  return Object.keys(object).length === 0 && !repeated ? undefined : object;
}

function decodeScalar(
  type: Extract<FieldType, string>,
  field: WireField,
  repeated: boolean,
): Json | undefined {
  switch (type) {
    case 'string':
      return textOf(bytesOf(field)) || (repeated ? '' : undefined);
    case 'bytes':
      return Buffer.from(bytesOf(field)).toString('base64');
    case 'int':
      return signed(field) || undefined;
    case 'given-int':
      return signed(field);
    case 'bool':
      return field.value !== 0n || undefined;
    case 'given-bool':
      return field.value !== 0n;
    case 'time':
      return timeOf(bytesOf(field));
    case 'int-or-string':
      return intOrString(bytesOf(field));
  }
}

function mapEntry(bytes: Uint8Array, values: 'string' | 'bytes' | 'strings'): [string, Json] {
  let key = '';
  let value: Uint8Array = new Uint8Array();
  for (const field of wireFields(bytes)) {
    if (field.number === 1) key = textOf(bytesOf(field));
    else if (field.number === 2) value = bytesOf(field);
  }
  if (values === 'bytes') return [key, Buffer.from(value).toString('base64')];
  if (values === 'string') return [key, textOf(value)];
  return [key, [...wireFields(value)].map((field) => textOf(bytesOf(field)))];
}

/** metav1.Time: seconds and nanoseconds; nothing where it is the zero time. */
function timeOf(bytes: Uint8Array): string | undefined {
  const [seconds] = [...wireFields(bytes)].filter(({ number }) => number === 1).map(signed);
  const ms = (seconds ?? 0) * 1_000;
  if (ms === 0 || Number.isNaN(new Date(ms).getTime())) return undefined;
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function intOrString(bytes: Uint8Array): Json | undefined {
  let isText = false;
  let number = 0;
  let text = '';
  for (const field of wireFields(bytes)) {
    if (field.number === 1) isText = field.value === 1n;
    else if (field.number === 2) number = signed(field);
    else if (field.number === 3) text = textOf(bytesOf(field));
  }
  if (isText) return text;
  return number === 0 ? undefined : number;
}

function signed({ value }: WireField): number {
  if (typeof value !== 'bigint') throw malformed();
  return Number(BigInt.asIntN(64, value));
}

function bytesOf({ value }: WireField): Uint8Array {
  if (typeof value === 'bigint') throw malformed();
  return value;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed();
  }
}
