import { isAlias, isMap, isScalar, isSeq, type Node, type ParsedNode, type YAMLMap } from 'yaml';
import { quote } from './field-problem.ts';
import { type Json, MAX_DEPTH } from './json-tree.ts';

/** What a document says, as JSON, or where and why JSON cannot say it. */
export type YamlValue =
  | { readonly value: Json }
  | { readonly offset: number; readonly message: string };

/** What the documents of one stream may come to, each alias counted with all that it stands for. */
export interface YamlBudget {
  nodes: number;
  aliases: number;
}

/** More values than any stream that is read to its end holds without aliases. */
export function yamlBudget(): YamlBudget {
  return { nodes: 400_000, aliases: 2_000 };
}

/**
 * The JSON of a parsed document. Aliases and merge keys (`<<`) are followed as far as `budget`, which
 * this draws on, goes. Keys must be scalars and differ as text, because that is what they become.
 */
export function yamlValue(contents: ParsedNode, budget: YamlBudget): YamlValue {
  const reading: Reading = { anchors: new Map(), budget, refusal: undefined };
  const value = jsonOf(contents, reading, 0);
  return reading.refusal ?? { value };
}

/**
 * Where the deepest node on the way to a field begins: its key in an object, itself in a list, or
 * the nearest thing around it that is written in the document.
 */
export function offsetOf(contents: ParsedNode, path: readonly string[]): number {
  let node: Node | null = contents;
  let offset = contents.range[0];
  for (const step of path) {
    let next: Node | null = null;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => keyText(key) === step);
      offset = startOf(pair?.key) ?? offset;
      next = nodeOrNull(pair?.value);
    } else if (isSeq(node)) {
      next = nodeOrNull(node.items[Number(step)]);
      offset = startOf(next) ?? offset;
    }
    if (next === null) break;
    node = next;
  }
  return offset;
}

interface Reading {
  readonly anchors: Map<string, Node>;
  readonly budget: YamlBudget;
  refusal: { readonly offset: number; readonly message: string } | undefined;
}

function jsonOf(node: Node | null, reading: Reading, depth: number): Json {
  if (node === null || reading.refusal !== undefined) return null;
  reading.budget.nodes -= 1;
  if (depth > MAX_DEPTH) {
    return refuse(node, `is nested more than ${MAX_DEPTH} levels deep`, reading);
  }
  if (reading.budget.nodes < 0) return refuse(node, 'comes to too many values', reading);
  if (isAlias(node)) {
    const target = anchored(node, reading);
    return jsonOf(target, reading, depth + 1);
  }
  noteAnchor(node, reading);
  if (isScalar(node)) return scalarValue(node.value, node, reading);
  if (isSeq(node)) {
    return node.items.map((item) => jsonOf(nodeOrNull(item), reading, depth + 1));
  }
  return isMap(node) ? objectOf(node, reading, depth) : null;
}

function scalarValue(value: unknown, node: Node, reading: Reading): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return refuse(node, 'is a value that JSON does not have', reading);
}

function objectOf(map: YAMLMap, reading: Reading, depth: number): Json {
  const own = new Map<string, Json>();
  const merged = new Map<string, Json>();
  for (const { key, value } of map.items) {
    if (reading.refusal !== undefined) return null;
    const keyNode = nodeOrNull(key) ?? map;
    noteAnchor(keyNode, reading);
    const text = keyText(key);
    if (text === undefined) return refuse(keyNode, 'has a key that is not plain text', reading);
    const read = jsonOf(nodeOrNull(value), reading, depth + 1);
    if (text === '<<' && isScalar(key) && key.type === 'PLAIN')
      merge(read, keyNode, merged, reading);
    else if (own.has(text)) return refuse(keyNode, `has the key ${quote(text)} twice`, reading);
    else own.set(text, read);
  }
  return Object.fromEntries([...merged, ...own]);
}

/** Takes over what a merge key brings: one object or a list of them, of which earlier ones win. */
function merge(read: Json, at: Node, into: Map<string, Json>, reading: Reading): void {
  for (const source of Array.isArray(read) ? read : [read]) {
    if (source === null || typeof source !== 'object' || Array.isArray(source)) {
      refuse(at, 'merges something that is not an object', reading);
      return;
    }
    for (const [key, value] of Object.entries(source)) {
      if (!into.has(key)) into.set(key, value);
    }
  }
}

function anchored(alias: Node & { readonly source: string }, reading: Reading): Node | null {
  reading.budget.aliases -= 1;
  if (reading.budget.aliases < 0) return refuse(alias, 'comes to too many aliases', reading);
  const target = reading.anchors.get(alias.source);
  return (
    target ??
    refuse(
      alias,
      `has an alias for ${quote(alias.source)}, which is not defined before it`,
      reading,
    )
  );
}

function noteAnchor(node: Node, reading: Reading): void {
  if ('anchor' in node && node.anchor !== undefined) reading.anchors.set(node.anchor, node);
}

function refuse(node: Node, message: string, reading: Reading): null {
  reading.refusal ??= { offset: startOf(node) ?? 0, message };
  return null;
}

/**
 * The text of a scalar key, or undefined where there is none (`? [a]`, an empty key). A key that
 * looks like a number or boolean is the text that is written, so that `y: 1` has the key `y`.
 */
function keyText(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  const { value, source } = key;
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? source : undefined;
}

function nodeOrNull(value: unknown): Node | null {
  return typeof value === 'object' && value !== null ? (value as Node) : null;
}

function startOf(value: unknown): number | undefined {
  return (nodeOrNull(value) as { range?: readonly number[] } | null)?.range?.[0];
}
