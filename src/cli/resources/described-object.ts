import type { ApiObject } from '../../apiclient/api-object.ts';
import type { ApiResource } from '../../apiclient/discovery.ts';
import { LAST_APPLIED } from '../../apiclient/last-applied.ts';
import { table } from '../output.ts';

/** What only the server needs. */
const UNSHOWN = new Set(['managedFields', 'name', 'namespace', 'labels', 'annotations']);
const LONGEST_VALUE = 2_000;
const SECRET = 'Secret';

/** Lines that say everything of an object, in the manner of `kubectl describe`. */
export function describedObject(
  object: ApiObject,
  { namespaced }: Pick<ApiResource, 'namespaced'>,
): readonly string[] {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { [LAST_APPLIED]: _, ...annotations } = metadata.annotations ?? {};
  const others = Object.entries(metadata).filter(([key]) => !UNSHOWN.has(key));
  const body = kind === SECRET ? withoutValues(rest) : rest;
  return [
    head('Name', metadata.name),
    ...(namespaced ? [head('Namespace', metadata.namespace ?? '')] : []),
    ...pairs('Labels', metadata.labels ?? {}, '='),
    ...pairs('Annotations', annotations, ': '),
    head('API Version', apiVersion),
    head('Kind', kind),
    'Metadata:',
    ...fields(Object.fromEntries(others), 1),
    ...Object.entries(body).flatMap(([key, value]) => field(key, value, 0)),
  ];
}

function head(name: string, value: string): string {
  return `${`${name}:`.padEnd(14)}${value}`.trimEnd();
}

function pairs(
  name: string,
  values: Readonly<Record<string, string>>,
  between: string,
): readonly string[] {
  const texts = Object.entries(values).map(([key, value]) => `${key}${between}${oneLine(value)}`);
  const [first = '<none>', ...more] = texts;
  return [head(name, first), ...more.map((text) => `${' '.repeat(14)}${text}`)];
}

/** How much of what a Secret has, and never what. */
function withoutValues(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { data, ...rest } = body;
  if (typeof data !== 'object' || data === null) return rest;
  const sizes = Object.entries(data).map(([key, value]) => [
    key,
    `${Buffer.from(String(value), 'base64').length} bytes`,
  ]);
  return { ...rest, data: Object.fromEntries(sizes) };
}

function fields(value: object, depth: number): readonly string[] {
  return Object.entries(value).flatMap(([key, item]) => field(key, item, depth));
}

function field(key: string, value: unknown, depth: number): readonly string[] {
  const indent = '  '.repeat(depth);
  const name = titleOf(key);
  if (Array.isArray(value)) {
    if (value.length === 0) return [];
    if (key === 'conditions') return [`${indent}${name}:`, ...conditionLines(value, depth + 1)];
    return [`${indent}${name}:`, ...value.flatMap((item) => listItem(item, depth + 1))];
  }
  if (typeof value === 'object' && value !== null) {
    const inside = fields(value, depth + 1);
    return [`${indent}${name}:${inside.length === 0 ? '  {}' : ''}`, ...inside];
  }
  const text = String(value ?? '');
  if (!text.includes('\n')) return [`${indent}${name}:  ${oneLine(text)}`];
  const lines = text.trimEnd().split('\n').map(oneLine);
  return [`${indent}${name}:`, ...lines.map((line) => `${indent}  ${line}`)];
}

/** Kubernetes' conditions, one a line. */
function conditionLines(conditions: readonly unknown[], depth: number): readonly string[] {
  const rows = conditions.map((condition) => {
    const { type, status, reason, message } = Object(condition) as Readonly<
      Record<string, unknown>
    >;
    return [type, status, reason, message].map((text) => oneLine(String(text ?? '')));
  });
  const lines = table(['Type', 'Status', 'Reason', 'Message'], rows).split('\n');
  return lines.map((line) => `${'  '.repeat(depth)}${line}`);
}

function listItem(item: unknown, depth: number): readonly string[] {
  const indent = '  '.repeat(depth);
  if (typeof item !== 'object' || item === null) return [`${indent}${oneLine(String(item))}`];
  const [first = '', ...more] = fields(item, depth);
  return [`${indent.slice(2)}- ${first.slice(indent.length)}`, ...more];
}

/** `trustDomainAliases` is `Trust Domain Aliases`; keys that people chose stay as they are. */
function titleOf(key: string): string {
  if (!/^[a-z][A-Za-z0-9]*$/.test(key)) return oneLine(key);
  const spaced = key.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2');
  return `${spaced.charAt(0).toUpperCase()}${spaced.slice(1)}`;
}

/** What an object says may neither move the cursor of a terminal nor flood it. */
function oneLine(text: string): string {
  const plain = text.replaceAll(/\p{Cc}/gu, (sign) => JSON.stringify(sign).slice(1, -1));
  return plain.length > LONGEST_VALUE ? `${plain.slice(0, LONGEST_VALUE)}…` : plain;
}
