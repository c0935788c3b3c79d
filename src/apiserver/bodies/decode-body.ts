import { parse as parseYaml } from 'yaml';
import { messageOf } from '../../lib/errors.ts';
import { type Json, jsonTree } from '../../resources/json-tree.ts';
import type { ApiRequest } from '../api-request.ts';
import { badRequest, StatusError } from '../status-error.ts';
import { duplicateFields } from './duplicate-fields.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';
import { parseMediaType } from './media-type.ts';
import { decodeProtobufBody } from './protobuf-body.ts';

const PROTOBUF = 'vnd.kubernetes.protobuf';
const BLANKS: ReadonlySet<number> = new Set([...' \t\r\n'].map((blank) => blank.charCodeAt(0)));
const BRACE = '{'.charCodeAt(0);

/** The lower-case subtype of the body; JSON where nothing is said. */
export function bodyType({ headers }: Pick<ApiRequest, 'headers'>): string {
  const header = headers['content-type'];
  if (header === undefined || header === '') return 'json';
  const type = parseMediaType(header);
  return type?.type === 'application' ? type.subtype : (header.split(';')[0] ?? header);
}

/**
 * The object in the body of a request: JSON, YAML or protobuf, of bounded depth and size, without keys
 * that would reach a prototype.
 *
 * @throws {StatusError} BadRequest, UnsupportedMediaType.
 */
export function decodeObject(request: Pick<ApiRequest, 'headers' | 'body'>): JsonObject {
  const type = bodyType(request);
  if (type === PROTOBUF) return requireObject(safeTree(decodeProtobufBody(request.body)));
  if (type === 'json') return requireObject(decodeJson(request.body));
  if (type === 'yaml') return requireObject(decodeYaml(request.body));
  throw new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/${PROTOBUF}`,
  );
}

/** The body of a patch, which may be a list. */
export function decodeJson(body: Uint8Array): Json {
  let value: unknown;
  try {
    value = JSON.parse(textOf(body));
  } catch (cause) {
    if (cause instanceof StatusError) throw cause;
    throw badRequest("couldn't get version/kind; json parse error: the request body is not JSON");
  }
  return safeTree(value);
}

/** What kubectl and client-go send as YAML is JSON, which is far faster to read as that. */
export function decodeYaml(body: Uint8Array): Json {
  const text = textOf(body);
  if (/^\s*\{/.test(text)) {
    try {
      return safeTree(JSON.parse(text));
    } catch (error) {
      if (error instanceof StatusError) throw error;
    }
  }
  try {
    return safeTree(parseYaml(text, { version: '1.1', maxAliasCount: 100, uniqueKeys: true }));
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw badRequest(`the request body is not YAML: ${firstLine(messageOf(error))}`);
  }
}

/** Below it the parser shows the text, which may be a Secret's. */
function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/:$/, '');
}

function safeTree(value: unknown): Json {
  const copied = jsonTree(value);
  if ('tree' in copied) return copied.tree;
  const where = copied.field === '' ? 'the request body' : copied.field;
  throw badRequest(`${where} ${copied.message}`);
}

function requireObject(value: Json): JsonObject {
  if (isJsonObject(value)) return value;
  throw badRequest('the request body is not an object');
}

/** The fields that are written twice in a body of JSON, whatever its Content-Type; none in other bodies. */
export function fieldsWrittenTwice({ body }: Pick<ApiRequest, 'body'>): readonly string[] {
  // Protobuf's begins otherwise and need not be text, and of YAML the parser refuses them.
  const first = body.find((byte) => !BLANKS.has(byte));
  return first === BRACE ? duplicateFields(textOf(body)) : [];
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function textOf(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch {
    throw badRequest('the request body is not UTF-8');
  }
}
