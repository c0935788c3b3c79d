import type { ApiObject } from '../../apiclient/api-object.ts';
import { MeshError } from '../../lib/errors.ts';
import { jsonPathExpression } from './jsonpath-expression.ts';
import { valueText } from './jsonpath-template.ts';

/** What `wait --for` waits for. */
export type AwaitedState =
  | { readonly is: 'gone' }
  | { readonly is: 'there' }
  | { readonly is: 'so'; readonly holds: (object: ApiObject) => boolean };

interface Condition {
  readonly type?: unknown;
  readonly status?: unknown;
  readonly observedGeneration?: unknown;
}

/** @throws {MeshError} ERR_USAGE with examples. */
export function parseAwaitedState(text: string): AwaitedState {
  if (text === 'delete') return { is: 'gone' };
  if (text === 'create') return { is: 'there' };
  const [what = '', ...rest] = text.split('=');
  const argument = rest.join('=');
  if (what === 'condition' && argument !== '') return conditionIs(argument);
  if (what === 'jsonpath' && argument !== '') return pathIs(argument);
  throw new MeshError(
    'ERR_USAGE',
    `--for "${text}" is not understood; write condition=Ready, delete, create, or jsonpath={.status.phase}=Active`,
  );
}

/** A condition of an older generation says nothing of this one. */
function conditionIs(argument: string): AwaitedState {
  const [type = '', wanted = 'True'] = argument.split('=');
  const isIt = (condition: Condition, generation: unknown): boolean => {
    const { observedGeneration: seen = generation } = condition;
    const fresh = typeof seen !== 'number' || typeof generation !== 'number' || seen >= generation;
    return (
      fresh &&
      String(condition.type).toLowerCase() === type.toLowerCase() &&
      String(condition.status).toLowerCase() === wanted.toLowerCase()
    );
  };
  return {
    is: 'so',
    holds: ({ status, metadata }) => {
      const { conditions } = (status ?? {}) as { readonly conditions?: unknown };
      const all: readonly Condition[] = Array.isArray(conditions) ? conditions : [];
      return all.some((condition) => isIt(condition, metadata['generation']));
    },
  };
}

/** `{.status.phase}=Active`, or without a value that there is one. */
function pathIs(argument: string): AwaitedState {
  const found = /^(\{.*\}|[^={}]+)(?:=(.*))?$/s.exec(argument);
  if (found === null)
    throw new MeshError('ERR_USAGE', `--for jsonpath "${argument}" cannot be read`);
  const [, path = '', value] = found;
  const read = jsonPathExpression(path.replace(/^\{(.*)\}$/s, '$1'));
  const wanted = value?.replace(/^(["'])(.*)\1$/s, '$2');
  return {
    is: 'so',
    holds: (object) => {
      const [first] = read(object, object);
      if (first === undefined) return false;
      return wanted === undefined || valueText(first) === wanted;
    },
  };
}
