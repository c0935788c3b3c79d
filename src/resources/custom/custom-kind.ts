import type { TSchema } from 'typebox';
import { checkSchema } from '../check-schema.ts';
import { isPlainObject, type Json } from '../json-tree.ts';
import {
  type Column,
  type KindDefinition,
  type Report,
  type ScalePaths,
  VERBS,
  type VersionDefinition,
} from '../kind-definition.ts';
import { ageColumn } from '../kinds/columns.ts';
import type { CustomResourceDefinition } from '../kinds/custom-resource-definition.ts';
import type { CustomResourceVersion } from '../kinds/custom-resource-definition-schema.ts';
import type { Resource } from '../resource.ts';
import { type CelRules, celRules, checkCelRules } from './cel-rules.ts';
import { structuralSchema } from './structural-schema.ts';
import { byVersionPriority } from './version-priority.ts';

const nothing: Report = () => undefined;

/**
 * The kind that a valid CustomResourceDefinition defines, or undefined where no version is served.
 * Resources go from one version to another as they are; Kubernetes calls that no conversion.
 */
export function customKind(definition: CustomResourceDefinition): KindDefinition | undefined {
  const { group, names, scope, versions } = definition.spec;
  const served = versions
    .filter((version) => version.served)
    .toSorted((a, b) => byVersionPriority(a.name, b.name));
  const [first] = served;
  if (first === undefined) return undefined;
  const compiled = new Map(served.map((version) => [version.name, compile(version)]));
  const preferred = compiled.get(first.name) as CompiledVersion;
  const inVersion = (version: string | undefined) => compiled.get(version ?? '') ?? preferred;
  return {
    group,
    versions: [first.name, ...served.slice(1).map(({ name }) => name)],
    kind: names.kind,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    listKind: names.listKind ?? `${names.kind}List`,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: scope === 'Namespaced',
    description: preferred.description ?? `${names.kind}, defined by ${definition.metadata.name}.`,
    schema: preferred.schema,
    columns: preferred.columns,
    selectableFields: preferred.selectableFields,
    perVersion: Object.fromEntries(compiled),
    validate: (resource, report, version) => checkState(resource, inVersion(version), report),
    validateUpdate: (old, resource, report, version) => {
      const { rules } = inVersion(version);
      if (rules === undefined) return;
      const question = { value: jsonOf(resource), when: 'updated', old: jsonOf(old) } as const;
      checkCelRules(rules, question, report);
    },
    validateCreate: (resource, report, version) => {
      const { rules } = inVersion(version);
      if (rules === undefined) return;
      checkCelRules(rules, { value: jsonOf(resource), when: 'created' }, report);
    },
    subresources: subresourcesOf(served),
    // What is going takes in nothing new.
    ...(definition.metadata.deletionTimestamp === undefined
      ? {}
      : { verbs: VERBS.filter((verb) => verb !== 'create') }),
    visibility: 'never',
    confidential: false,
  };
}

interface CompiledVersion extends VersionDefinition {
  readonly rules: CelRules | undefined;
  /** Of the name, where the definition has rules for it. */
  readonly metadata: TSchema | undefined;
  readonly description: string | undefined;
}

function compile(version: CustomResourceVersion): CompiledVersion {
  const { deprecated = false, deprecationWarning, name } = version;
  const written = writtenSchema(version);
  const whole = structuralSchema(written, '', nothing);
  const {
    properties = {},
    required,
    ...rest
  } = whole as {
    readonly properties?: Readonly<Record<string, TSchema>>;
    readonly required?: readonly string[];
    readonly description?: string;
  };
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...fields } = properties;
  const needed = required?.filter((field) => Object.hasOwn(fields, field)) ?? [];
  const bounds = isPlainObject(metadata) && isPlainObject(metadata['properties']);
  return {
    schema: {
      ...rest,
      properties: fields,
      ...(needed.length > 0 ? { required: needed } : {}),
    } as unknown as TSchema,
    columns: columnsOf(version),
    selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) =>
      jsonPath.replace(/^\./, ''),
    ),
    ...(deprecated
      ? { deprecation: deprecationWarning ?? `the version ${name} of this kind is deprecated` }
      : {}),
    rules: celRules(whole, '', nothing),
    metadata: bounds ? ({ ...metadata, additionalProperties: true } as TSchema) : undefined,
    description: rest.description,
  };
}

function writtenSchema({ schema }: CustomResourceVersion): Json {
  return jsonOf(schema?.openAPIV3Schema ?? {});
}

/** Values of resources and schemas are JSON, which their types do not say. */
function jsonOf(value: unknown): Json {
  return value as Json;
}

function checkState(resource: Resource, version: CompiledVersion, report: Report): void {
  const { metadata: schema, rules } = version;
  if (schema !== undefined) {
    const { name } = resource.metadata;
    const question = { schema, at: ['metadata'], confidential: false };
    for (const { field, message } of checkSchema({ name }, question)) report(field, message);
  }
  if (rules !== undefined) {
    checkCelRules(rules, { value: jsonOf(resource), when: 'always' }, report);
  }
}

function columnsOf({ additionalPrinterColumns: columns = [] }: CustomResourceVersion) {
  return columns.length > 0 ? (columns as readonly Column[]) : [ageColumn];
}

function subresourcesOf(versions: readonly CustomResourceVersion[]) {
  const all = versions.map(({ subresources }) => subresources);
  const scale: ScalePaths | undefined = all.find((one) => one?.scale !== undefined)?.scale;
  const status = all.some((one) => one?.status !== undefined);
  return {
    ...(status ? { status: true as const } : {}),
    ...(scale === undefined ? {} : { scale }),
  };
}
