import { type CelEnv, type CelFunc, CelScalar, celEnv, celMethod, listType } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { RE2JS } from 're2js';
import { lazy } from '../lazy.ts';
import { addressFunctions } from './cel-address-functions.ts';
import { listFunctions } from './cel-list-functions.ts';
import { optionalFunctions } from './cel-optional.ts';
import { quantityFunctions } from './cel-quantity-functions.ts';
import { urlFunctions } from './cel-url-functions.ts';

const { STRING, INT } = CelScalar;
const MOST_FOUND = 1_000;

/** Kubernetes' own functions over expressions. */
const patternFunctions: readonly CelFunc[] = [
  celMethod('find', STRING, [STRING], STRING, function (pattern) {
    return found(this, pattern, 1)[0] ?? '';
  }),
  celMethod('findAll', STRING, [STRING], listType(STRING), function (pattern) {
    return found(this, pattern, MOST_FOUND);
  }),
  celMethod('findAll', STRING, [STRING, INT], listType(STRING), function (pattern, most) {
    return found(this, pattern, most < 0n ? MOST_FOUND : Math.min(Number(most), MOST_FOUND));
  }),
];

function found(text: string, pattern: string, most: number): readonly string[] {
  const matcher = RE2JS.compile(pattern).matcher(text);
  const all: string[] = [];
  while (all.length < most && matcher.find()) all.push(matcher.group() ?? '');
  return all;
}

/** What rules of CustomResourceDefinitions can use. Patterns in them are RE2's. */
export const celEnvironment: () => CelEnv = lazy(() =>
  celEnv({
    funcs: [
      ...strings,
      ...urlFunctions,
      ...patternFunctions,
      ...listFunctions,
      ...addressFunctions,
      ...quantityFunctions,
      ...optionalFunctions,
    ],
    re2: {
      compile: (pattern) => {
        const compiled = RE2JS.compile(pattern);
        return { test: (text) => compiled.matcher(text).find() };
      },
    },
  }),
);
