import { Type } from 'typebox';
import { fieldOf } from '../field-path.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { sameJson } from '../same-json.ts';
import { mapOf } from '../schema.ts';
import { ageColumn } from './columns.ts';
import { dataKeyProblem, dataSize } from './data-keys.ts';

/** Kubernetes' bound on all values together. */
const MAX_DATA_BYTES = 1024 * 1024;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

const schema = Type.Object(
  {
    type: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        default: 'Opaque',
        description: 'Which keys the data has, such as `kubernetes.io/tls`.',
      }),
    ),
    data: Type.Optional(mapOf(Type.String(), 'The values by key, each in base64.')),
    stringData: Type.Optional(
      mapOf(Type.String(), 'Values as plain text; moved into data when the Secret is written.'),
    ),
    immutable: Type.Optional(
      Type.Boolean({ description: 'Whether the data may never be changed again.' }),
    ),
  },
  { additionalProperties: false },
);

/** Confidential values by key; `stringData` never appears on a stored one. */
export type Secret = ResourceOf<'Secret', typeof schema>;

/** Kubernetes' Secret. */
export const secret: KindDefinition<Secret> = {
  group: '',
  versions: ['v1'],
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  shortNames: [],
  categories: [],
  namespaced: true,
  description: 'Confidential values by key, such as a certificate with its private key.',
  schema,
  columns: [
    { name: 'Type', type: 'string', jsonPath: '.type' },
    {
      name: 'Data',
      type: 'integer',
      description: 'How many values it has.',
      jsonPath: '.data',
      cell: ({ data }) => dataSize(data),
    },
    ageColumn,
  ],
  complete: foldStringData,
  validate: checkSecret,
  validateUpdate: checkImmutable,
  selectableFields: ['type'],
  strategicMerge: true,
  visibility: 'never',
  confidential: true,
};

/** Moves stringData into data, over keys that are in both, and joins base64 that is cut into lines. */
function foldStringData(resource: Secret): Secret {
  const { stringData, data, ...rest } = resource;
  const values = [
    ...Object.entries(data ?? {}).map(([key, value]) => [key, value.replace(/[\r\n]/g, '')]),
    ...Object.entries(stringData ?? {}).map(([key, value]) => [key, toBase64(value)]),
  ];
  return values.length === 0 ? rest : { ...rest, data: Object.fromEntries(values) };
}

/** Reports without ever quoting a value. */
function checkSecret({ type, data = {} }: Secret, report: Report): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    const field = fieldOf(['data', key]);
    const problem = dataKeyProblem(key);
    if (problem !== undefined) report(field, problem);
    if (value.length % 4 !== 0 || !BASE64.test(value)) {
      report(field, 'is not base64; plain text goes into stringData');
    }
    bytes += Math.floor((value.length * 3) / 4);
  }
  if (bytes > MAX_DATA_BYTES) report('data', `has more than ${MAX_DATA_BYTES} bytes`);
  if (type !== 'kubernetes.io/tls') return;
  for (const key of ['tls.crt', 'tls.key']) {
    if (!Object.hasOwn(data, key))
      report(fieldOf(['data', key]), `is required with the type ${type}`);
  }
}

function checkImmutable(old: Secret, resource: Secret, report: Report): void {
  if (old.type !== resource.type) report('type', 'cannot be changed; delete the Secret first');
  if (old.immutable !== true) return;
  if (resource.immutable !== true) report('immutable', 'cannot be unset once it is true');
  if (!sameJson(old.data, resource.data)) {
    report('data', 'cannot be changed, as immutable is true');
  }
}

function toBase64(text: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}
