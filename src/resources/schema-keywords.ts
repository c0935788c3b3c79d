import type { FuncKeywordDefinition } from 'ajv';
import { quote } from './field-problem.ts';

/** `x-hauberk-check`: a function that says what is wrong with a string beyond its type. */
const check: FuncKeywordDefinition = {
  keyword: 'x-hauberk-check',
  type: 'string',
  errors: 'full',
  compile: (problemOf: (value: unknown) => string | undefined) => {
    const validate: ReturnType<NonNullable<FuncKeywordDefinition['compile']>> = (value) => {
      const message = problemOf(value);
      validate.errors =
        message === undefined ? [] : [{ keyword: 'x-hauberk-check', message, params: {} }];
      return message === undefined;
    };
    return validate;
  },
};

/** `x-hauberk-one-of`: of each of these groups of fields, at most one may be given. */
const oneOf: FuncKeywordDefinition = {
  keyword: 'x-hauberk-one-of',
  type: 'object',
  errors: 'full',
  compile: (groups: readonly (readonly string[])[]) => {
    const validate: ReturnType<NonNullable<FuncKeywordDefinition['compile']>> = (value) => {
      const broken = groups
        .map((group) => group.filter((field) => Object.hasOwn(value, field)))
        .filter((given) => given.length > 1);
      validate.errors = broken.map((given) => ({
        keyword: 'x-hauberk-one-of',
        message: `only one of ${given.map(quote).join(', ')} can be set`,
        params: {},
      }));
      return broken.length === 0;
    };
    return validate;
  },
};

/** `x-hauberk-unique`: the fields by which the items of a list differ; with none the items themselves. */
const unique: FuncKeywordDefinition = {
  keyword: 'x-hauberk-unique',
  type: 'array',
  errors: 'full',
  compile: (fields: readonly string[]) => {
    const keyOf = (item: unknown): string =>
      fields.length === 0
        ? JSON.stringify(item)
        : JSON.stringify(fields.map((field) => Object(item)[field] ?? null));
    const validate: ReturnType<NonNullable<FuncKeywordDefinition['compile']>> = (
      items: readonly unknown[],
    ) => {
      const seen = new Set<string>();
      const again = items.findIndex((item) => {
        const key = keyOf(item);
        return seen.size === seen.add(key).size;
      });
      const message = 'is in the list already';
      const params = { item: again };
      validate.errors = again < 0 ? [] : [{ keyword: 'x-hauberk-unique', message, params }];
      return again < 0;
    };
    return validate;
  },
};

/** Our own keywords, which validate. */
export const schemaKeywords: readonly FuncKeywordDefinition[] = [check, oneOf, unique];

/** Of each group of fields of an object, at most one may be given; as options of its schema. */
export function atMostOne(...groups: readonly (readonly string[])[]): {
  readonly 'x-hauberk-one-of': readonly (readonly string[])[];
} {
  return { 'x-hauberk-one-of': groups };
}
