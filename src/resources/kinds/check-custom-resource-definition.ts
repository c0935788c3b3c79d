import type { TSchema } from 'typebox';
import { checkSchema } from '../check-schema.ts';
import { celRules } from '../custom/cel-rules.ts';
import { structuralSchema } from '../custom/structural-schema.ts';
import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { isPlainObject, type Json } from '../json-tree.ts';
import type { Report } from '../kind-definition.ts';
import { nameProblem } from '../names.ts';
import type { ObjectMeta } from '../resource.ts';
import type {
  CustomResourceDefinitionSpec,
  CustomResourceVersion,
} from './custom-resource-definition-schema.ts';

interface Definition {
  readonly metadata: ObjectMeta;
  readonly spec: CustomResourceDefinitionSpec;
}

const KIND = /^[A-Za-z](?:[-A-Za-z0-9]*[A-Za-z0-9])?$/;
const SPEC_PATH = /^\.spec(?:\.[A-Za-z_][A-Za-z0-9_-]*)+$/;
const STATUS_PATH = /^\.status(?:\.[A-Za-z_][A-Za-z0-9_-]*)+$/;
const SELECTOR_PATH = /^\.(?:spec|status)(?:\.[A-Za-z_][A-Za-z0-9_-]*)+$/;
const COLUMN_TYPES = ['integer', 'number', 'string', 'boolean', 'date'];

/** Reports what Kubernetes refuses of a CustomResourceDefinition beyond its schema. */
export function checkCustomResourceDefinition(
  { metadata, spec }: Definition,
  report: Report,
): void {
  checkNames(spec, report);
  const expected = `${spec.names.plural}.${spec.group}`;
  if (metadata.name !== expected) {
    report('metadata.name', `must be spec.names.plural and spec.group: ${quote(expected)}`);
  }
  if (spec.conversion?.strategy === 'Webhook') {
    report('spec.conversion.strategy', 'Webhook is not supported; use None');
  }
  if (spec.preserveUnknownFields === true) {
    report(
      'spec.preserveUnknownFields',
      'must be false; use x-kubernetes-preserve-unknown-fields in the schema',
    );
  }
  if (spec.versions.filter(({ storage }) => storage).length !== 1) {
    report('spec.versions', 'exactly one version must have storage set');
  }
  const seen = new Set<string>();
  for (const [index, version] of spec.versions.entries()) {
    const field = fieldOf(['versions', index], 'spec');
    if (seen.has(version.name)) {
      report(`${field}.name`, `the version ${quote(version.name)} is there already`);
    }
    seen.add(version.name);
    checkVersion(version, field, report);
  }
}

function checkNames({ group, names }: CustomResourceDefinitionSpec, report: Report): void {
  const wrong =
    nameProblem(group, 'subdomain') ?? (group.includes('.') ? undefined : 'must have a dot in it');
  if (wrong !== undefined) report('spec.group', wrong);
  for (const [field, name] of [
    ['plural', names.plural],
    ['singular', names.singular ?? 'a'],
    ...(names.shortNames ?? []).map((text, index) => [`shortNames[${index}]`, text] as const),
  ] as const) {
    const problem = nameProblem(name, 'label');
    if (problem !== undefined) report(`spec.names.${field}`, problem);
  }
  for (const field of ['kind', 'listKind'] as const) {
    const name = names[field] ?? 'A';
    if (name.length > 63 || !KIND.test(name)) {
      report(`spec.names.${field}`, `${quote(name)} is not the name of a kind`);
    }
  }
  if (names.listKind === names.kind) {
    report('spec.names.listKind', 'must not be the same as kind');
  }
}

function checkVersion(version: CustomResourceVersion, field: string, report: Report): void {
  const { name, schema, deprecated = false, deprecationWarning } = version;
  const problem = nameProblem(name, 'label');
  if (problem !== undefined) report(`${field}.name`, problem);
  if (deprecationWarning !== undefined && !deprecated) {
    report(`${field}.deprecationWarning`, 'can be set only where deprecated is true');
  }
  for (const [index, column] of (version.additionalPrinterColumns ?? []).entries()) {
    const at = fieldOf(['additionalPrinterColumns', index], field);
    if (!COLUMN_TYPES.includes(column.type)) {
      report(`${at}.type`, `${quote(column.type)} is not one of ${COLUMN_TYPES.join(', ')}`);
    }
    if (!column.jsonPath.startsWith('.')) report(`${at}.jsonPath`, 'must begin with "."');
  }
  for (const [index, { jsonPath }] of (version.selectableFields ?? []).entries()) {
    if (!/^(?:\.[A-Za-z_][A-Za-z0-9_-]*)+$/.test(jsonPath)) {
      report(
        `${fieldOf(['selectableFields', index], field)}.jsonPath`,
        `${quote(jsonPath)} is not a path of fields, such as ".spec.color"`,
      );
    }
  }
  checkScale(version, field, report);
  const at = `${field}.schema.openAPIV3Schema`;
  if (schema?.openAPIV3Schema === undefined) report(at, 'is required');
  else checkStructure(schema.openAPIV3Schema as Json, at, report);
}

/** Numbers that are wanted are in the spec, those that are in the status. */
function checkScale({ subresources }: CustomResourceVersion, field: string, report: Report): void {
  const scale = subresources?.scale;
  if (scale === undefined) return;
  const at = `${field}.subresources.scale`;
  const check = (name: string, path: string, form: RegExp, example: string): void => {
    if (form.test(path)) return;
    report(`${at}.${name}`, `${quote(path)} is not a path of fields such as "${example}"`);
  };
  check('specReplicasPath', scale.specReplicasPath, SPEC_PATH, '.spec.replicas');
  check('statusReplicasPath', scale.statusReplicasPath, STATUS_PATH, '.status.replicas');
  const selector = scale.labelSelectorPath;
  if (selector !== undefined)
    check('labelSelectorPath', selector, SELECTOR_PATH, '.status.selector');
}

function checkStructure(written: Json, field: string, report: Report): void {
  const type = isPlainObject(written) ? written['type'] : undefined;
  if (type !== 'object') report(`${field}.type`, 'must be object at the top');
  let problems = 0;
  const counted: Report = (at, message) => {
    problems += 1;
    report(at, message);
  };
  const schema = structuralSchema(written, field, counted);
  celRules(schema, field, counted);
  if (problems === 0) checkDefaults(schema, field, report);
}

/** A default must itself be what it stands for. */
function checkDefaults(schema: TSchema, field: string, report: Report): void {
  const {
    properties = {},
    patternProperties = {},
    items,
    ...own
  } = schema as {
    readonly properties?: Readonly<Record<string, TSchema>>;
    readonly patternProperties?: Readonly<Record<string, TSchema>>;
    readonly items?: TSchema;
    readonly default?: Json;
  };
  if (own.default !== undefined) {
    const value = structuredClone(own.default);
    for (const problem of checkSchema(value, { schema, confidential: false })) {
      const below = problem.field === '' ? '' : `.${problem.field}`;
      report(`${field}.default${below}`, problem.message);
    }
  }
  for (const [name, child] of Object.entries(properties)) {
    checkDefaults(child, fieldOf([name], `${field}.properties`), report);
  }
  for (const child of Object.values(patternProperties)) {
    checkDefaults(child, `${field}.additionalProperties`, report);
  }
  if (items !== undefined) checkDefaults(items, `${field}.items`, report);
}
