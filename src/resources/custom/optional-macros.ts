import { parse } from '@bufbuild/cel';

type Parsed = NonNullable<ReturnType<typeof parse>['expr']>;

/** How the value is bound to a name: by going over a list that has nothing else in it. */
const FORMS: Readonly<Record<string, string>> = {
  optMap: '_t.hasValue() ? optional.of([_t.value()].map(_v, _e)[0]) : optional.none()',
  optFlatMap: '_t.hasValue() ? [_t.value()].map(_v, _e)[0] : optional.none()',
};

/** The expression with CEL's `optMap` and `optFlatMap`, which the parser leaves as calls, spelled out. */
export function withOptionalMacros(expression: Parsed): Parsed {
  return rewritten(expression) as Parsed;
}

function rewritten(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(rewritten);
  if (typeof node !== 'object' || node === null || node instanceof Uint8Array) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, one]) => [key, rewritten(one)]));
  const macro = macroOf(copy as unknown as Parsed);
  return macro ?? copy;
}

function macroOf({ exprKind }: Parsed): unknown {
  if (exprKind?.case !== 'callExpr') return undefined;
  const { function: name, target, args } = exprKind.value;
  const form = FORMS[name];
  const [bound, body] = args ?? [];
  if (form === undefined || target === undefined || args.length !== 2) return undefined;
  if (bound?.exprKind.case !== 'identExpr' || body === undefined) return undefined;
  const { name: variable } = bound.exprKind.value;
  return filled(parse(form).expr, { _t: target, _e: body }, variable);
}

/** A form with its places taken by what stands there, and its variable by the name that is wanted. */
function filled(node: unknown, parts: Readonly<Record<string, Parsed>>, variable: string): unknown {
  if (Array.isArray(node)) return node.map((one) => filled(one, parts, variable));
  if (typeof node !== 'object' || node === null || node instanceof Uint8Array) return node;
  const { exprKind } = node as Partial<Parsed>;
  const part = exprKind?.case === 'identExpr' ? parts[exprKind.value.name] : undefined;
  if (part !== undefined) return part;
  return Object.fromEntries(
    Object.entries(node).map(([key, one]) => [
      key,
      key === 'iterVar' && one === '_v' ? variable : filled(one, parts, variable),
    ]),
  );
}
