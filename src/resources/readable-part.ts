import { pathOf } from './field-path.ts';
import type { FieldProblem } from './field-problem.ts';
import type { Json } from './json-tree.ts';
import type { Resource } from './resource.ts';
import { type ValidationOptions, validateResource } from './validate-resource.ts';

/** What of a resource that is refused can be read all the same. */
export interface ReadablePart {
  readonly resource: Resource;
  /** False: fields are missing that nobody could read, so that nothing should be said about itself. */
  readonly whole: boolean;
}

/** Each try leaves one thing out. */
const MOST_TRIES = 32;
/** What is wrong with a name keeps nobody from reading the rest. */
const NAMES = ['metadata.name', 'metadata.namespace'];
/** What stands for lists that are missing, of which everything else is told. */
const EMPTY_LISTS = ['containers', 'rules', 'hosts', 'ports', 'servers'];

/**
 * The part of a refused resource that its kind's schema holds of: what is wrong is left out, with what
 * cannot be without it. Undefined where nothing is left. For tools that look at many resources together,
 * never for what is stored or enforced.
 */
export function readablePart(value: Json, options: ValidationOptions): ReadablePart | undefined {
  const tree = structuredClone(value);
  let whole = true;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const checked = validateResource(tree, options);
    const resource = 'resource' in checked ? checked.resource : checked.readable;
    if (resource !== undefined) return { resource, whole };
    const { problems } = checked as { readonly problems: readonly FieldProblem[] };
    const first = problems.find(({ field }) => !NAMES.includes(field));
    const mended = first === undefined ? 'no' : withoutProblem(tree, first);
    if (mended === 'no') return undefined;
    if (mended === 'removed') whole = false;
  }
  return undefined;
}

/** Takes out what the problem is about, or fills in nothing where something is missing. */
function withoutProblem(tree: Json, { field, message }: FieldProblem): 'removed' | 'filled' | 'no' {
  const path = pathOf(field);
  if (path.length === 0 || ['apiVersion', 'kind'].includes(path[0] ?? '')) return 'no';
  if (!message.startsWith('is required')) return removed(tree, path) ? 'removed' : 'no';
  const last = path.at(-1) ?? '';
  if (field === 'spec') return added(tree, path, {}) ? 'filled' : 'no';
  if (EMPTY_LISTS.includes(last) && added(tree, path, [])) return 'filled';
  if (path.length < 2 || field === 'metadata.name') return 'no';
  return removed(tree, path.slice(0, -1)) ? 'removed' : 'no';
}

function removed(tree: Json, path: readonly string[]): boolean {
  const parent = valueAt(tree, path.slice(0, -1));
  const last = path.at(-1) ?? '';
  if (Array.isArray(parent)) return parent.splice(Number(last), 1).length > 0;
  if (!isObject(parent) || !Object.hasOwn(parent, last)) return false;
  delete parent[last];
  return true;
}

function added(tree: Json, path: readonly string[], value: Json): boolean {
  const parent = valueAt(tree, path.slice(0, -1));
  if (!isObject(parent) || Object.hasOwn(parent, path.at(-1) ?? '')) return false;
  parent[path.at(-1) ?? ''] = value;
  return true;
}

function valueAt(tree: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = tree;
  for (const step of path) {
    if (Array.isArray(value)) value = value[Number(step)];
    else if (isObject(value) && Object.hasOwn(value, step)) value = value[step];
    else return undefined;
  }
  return value;
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
