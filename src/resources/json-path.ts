/** A compiled JSONPath: all that it finds in a value, in order. */
export type JsonPath = (value: unknown) => readonly unknown[];

type Step =
  | { readonly step: 'key'; readonly key: string }
  | { readonly step: 'index'; readonly index: number }
  | { readonly step: 'all' }
  | { readonly step: 'where'; readonly path: readonly Step[]; readonly equals: string };

const TOKEN =
  /\.?\[\?\(@((?:\.[A-Za-z0-9_-]+)+)\s*==\s*(?:"([^"]*)"|'([^']*)')\)\]|\.?\[(-?\d+)\]|\.?\[\*\]|\.\*|\[(?:'([^']*)'|"([^"]*)")\]|\.((?:\\.|[^.[\]\\])+)/y;

/**
 * Kubernetes' JSONPath as far as printer columns use it: keys (with `\.` for a dot in one), positions,
 * `[*]`, and filters `[?(@.type=="Ready")]`. Undefined for anything else.
 */
export function compileJsonPath(text: string): JsonPath | undefined {
  const path = text
    .trim()
    .replace(/^\{(.*)\}$/s, '$1')
    .replace(/^\$/, '');
  const steps = parseSteps(path.startsWith('.') || path.startsWith('[') ? path : `.${path}`);
  if (steps === undefined) return undefined;
  return (value) => follow([value], steps);
}

function parseSteps(path: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < path.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(path);
    if (match === null) return undefined;
    at = TOKEN.lastIndex;
    steps.push(stepOf(match));
  }
  return steps;
}

function stepOf([, where, quoted, single, index, key, otherKey, plain]: RegExpExecArray): Step {
  if (where !== undefined) {
    const path = where
      .slice(1)
      .split('.')
      .map((name): Step => ({ step: 'key', key: name }));
    return { step: 'where', path, equals: quoted ?? single ?? '' };
  }
  if (index !== undefined) return { step: 'index', index: Number(index) };
  const name = key ?? otherKey ?? plain?.replaceAll(/\\(.)/g, '$1');
  return name === undefined ? { step: 'all' } : { step: 'key', key: name };
}

function follow(values: readonly unknown[], steps: readonly Step[]): readonly unknown[] {
  return steps.reduce<readonly unknown[]>(
    (found, step) => found.flatMap((value) => take(value, step)),
    values,
  );
}

function take(value: unknown, step: Step): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  switch (step.step) {
    case 'key':
      return Object.hasOwn(value, step.key)
        ? [(value as Readonly<Record<string, unknown>>)[step.key]]
        : [];
    case 'index': {
      const found: unknown = Array.isArray(value) ? value.at(step.index) : undefined;
      return found === undefined ? [] : [found];
    }
    case 'all':
      return Object.values(value);
    case 'where':
      return Array.isArray(value)
        ? value.filter((item) => follow([item], step.path)[0] === step.equals)
        : [];
  }
}
