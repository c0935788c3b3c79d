import type { TSchema } from 'typebox';
import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { isPlainObject, type Json } from '../json-tree.ts';
import type { Report } from '../kind-definition.ts';
import { checkKeywords } from './check-keywords.ts';
import { valueRules } from './value-rules.ts';

type Written = Readonly<Record<string, unknown>>;

const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean'];
/** Taken over as they are, where they stand in a structural schema. */
const KEPT = [
  'description',
  'title',
  'enum',
  'example',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
];
/** Text of the object that every resource and embedded resource has. */
const EMBEDDED: Readonly<Record<string, Written>> = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};

/**
 * A structural schema of a CustomResourceDefinition as one that resources are checked by: unknown
 * fields are closed out, patterns are RE2's. What is not structural goes to `report` under `field`.
 */
export function structuralSchema(
  written: Json | undefined,
  field: string,
  report: Report,
): TSchema {
  if (!isPlainObject(written)) {
    report(field, 'must be an object');
    return {} as TSchema;
  }
  checkKeywords(written, field, report);
  const made: Record<string, unknown> = {
    ...valueRules(written, field, report),
    ...typeOf(written, field, report),
  };
  for (const keyword of KEPT) if (Object.hasOwn(written, keyword)) made[keyword] = written[keyword];
  addDefault(made, written);
  addList(made, written, field, report);
  addFields(made, written, field, report);
  return made as TSchema;
}

function typeOf(written: Written, field: string, report: Report): Written {
  const { type, nullable } = written;
  const orNull = nullable === true ? { nullable: true } : {};
  if (written['x-kubernetes-int-or-string'] === true) {
    const types = ['integer', 'string', ...(nullable === true ? ['null'] : [])];
    return { 'x-kubernetes-int-or-string': true, type: types, ...orNull };
  }
  if (type === undefined) {
    if (written['x-kubernetes-preserve-unknown-fields'] !== true) {
      report(`${field}.type`, 'is required');
    }
    return {};
  }
  if (typeof type !== 'string' || !TYPES.includes(type)) {
    report(`${field}.type`, `${quote(String(type))} is not one of ${TYPES.join(', ')}`);
    return {};
  }
  return nullable === true ? { type: [type, 'null'], ...orNull } : { type };
}

/** Where there is a default, null that may not be stands for it. */
function addDefault(made: Record<string, unknown>, written: Written): void {
  if (written['default'] === undefined) return;
  made['default'] = written['default'];
  if (written['nullable'] !== true) made['x-hauberk-drop-null'] = true;
}

function addList(
  made: Record<string, unknown>,
  written: Written,
  field: string,
  report: Report,
): void {
  const { type, items } = written;
  if (type !== 'array') return;
  if (items === undefined) report(`${field}.items`, 'is required');
  else made['items'] = structuralSchema(items as Json, `${field}.items`, report);
  const listType = written['x-kubernetes-list-type'];
  const keys = written['x-kubernetes-list-map-keys'];
  if (listType === 'set') made['x-hauberk-unique'] = [];
  if (listType !== 'map') return;
  if (!Array.isArray(keys) || keys.length === 0) {
    report(`${field}.x-kubernetes-list-map-keys`, 'is required with the list type map');
  } else made['x-hauberk-unique'] = keys;
}

function addFields(
  made: Record<string, unknown>,
  written: Written,
  field: string,
  report: Report,
): void {
  const { type, properties, additionalProperties } = written;
  if (type !== 'object') return;
  const open = written['x-kubernetes-preserve-unknown-fields'] === true;
  if (
    properties !== undefined &&
    additionalProperties !== undefined &&
    additionalProperties !== false
  ) {
    report(`${field}.additionalProperties`, 'cannot be set together with properties');
  }
  const embedded = written['x-kubernetes-embedded-resource'] === true ? EMBEDDED : {};
  if (isPlainObject(properties) || Object.keys(embedded).length > 0) {
    const all = { ...embedded, ...(isPlainObject(properties) ? properties : {}) };
    made['properties'] = Object.fromEntries(
      Object.entries(all).map(([name, child]) => [
        name,
        structuralSchema(child as Json, fieldOf([name], `${field}.properties`), report),
      ]),
    );
  } else if (properties !== undefined) report(`${field}.properties`, 'must be an object');
  if (isPlainObject(additionalProperties)) {
    made['patternProperties'] = {
      '^[^]*$': structuralSchema(
        additionalProperties as Json,
        `${field}.additionalProperties`,
        report,
      ),
    };
  }
  if (!open && additionalProperties !== true) made['additionalProperties'] = false;
}
