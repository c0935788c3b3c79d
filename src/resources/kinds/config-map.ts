import { Type } from 'typebox';
import { fieldOf } from '../field-path.ts';
import { flag, textMap } from '../fields.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { MESH_CONFIG_MAP, meshCurvesProblem, parseMeshConfig } from '../mesh-config-text.ts';
import { sameJson } from '../same-json.ts';
import { ageColumn } from './columns.ts';
import { dataKeyProblem, dataSize } from './data-keys.ts';

/** Kubernetes' bound on all values together. */
const MAX_DATA_BYTES = 1024 * 1024;

const schema = Type.Object(
  {
    data: textMap('Values as text, by key.'),
    binaryData: textMap('Values of any bytes, in base64, by key.'),
    immutable: flag('Whether the data may never be changed again.'),
  },
  { additionalProperties: false },
);

/** Settings by key. */
export type ConfigMap = ResourceOf<'ConfigMap', typeof schema>;

/** Kubernetes' ConfigMap. */
export const configMap: KindDefinition<ConfigMap> = {
  group: '',
  versions: ['v1'],
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  categories: [],
  namespaced: true,
  description: 'Settings by key, for programs to read; nothing confidential.',
  schema,
  columns: [
    {
      name: 'Data',
      type: 'string',
      description: 'How many values it has.',
      jsonPath: '.data',
      cell: ({ data, binaryData }) => `${dataSize(data) + dataSize(binaryData)}`,
    },
    ageColumn,
  ],
  validate: checkConfigMap,
  validateUpdate: checkImmutable,
  strategicMerge: true,
  visibility: 'own-and-root',
  isFact: saysSomethingToAgents,
  confidential: false,
};

/** Authorities of others, by the key under which Istio looks for them. */
const AUTHORITY_KEYS = ['ca.crt', 'cacert'];

function saysSomethingToAgents({ metadata, data = {} }: ConfigMap): boolean {
  return (
    (metadata.name === MESH_CONFIG_MAP.name && Object.hasOwn(data, MESH_CONFIG_MAP.key)) ||
    AUTHORITY_KEYS.some((key) => Object.hasOwn(data, key))
  );
}

function checkConfigMap(map: ConfigMap, report: Report): void {
  const { metadata, data } = map;
  if (metadata.name === MESH_CONFIG_MAP.name) checkMeshConfig(data?.[MESH_CONFIG_MAP.key], report);
  checkData(map, report);
}

function checkData({ data = {}, binaryData = {} }: ConfigMap, report: Report): void {
  let bytes = 0;
  for (const [part, values] of [
    ['data', data],
    ['binaryData', binaryData],
  ] as const) {
    for (const [key, value] of Object.entries(values)) {
      const problem = dataKeyProblem(key);
      if (problem !== undefined) report(fieldOf([part, key]), problem);
      bytes += new TextEncoder().encode(value).length;
      if (part === 'data' && Object.hasOwn(binaryData, key)) {
        report(fieldOf([part, key]), 'is in binaryData too');
      }
      if (
        part === 'binaryData' &&
        !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)
      ) {
        report(fieldOf([part, key]), 'is not base64; plain text goes into data');
      }
    }
  }
  if (bytes > MAX_DATA_BYTES) report('data', `has more than ${MAX_DATA_BYTES} bytes`);
}

function checkMeshConfig(text: string | undefined, report: Report): void {
  const read = parseMeshConfig(text ?? '');
  const at = fieldOf(['data', MESH_CONFIG_MAP.key]);
  if (!('problems' in read)) {
    const problem = meshCurvesProblem(read.meshConfig);
    if (problem !== undefined) report(at, `meshMTLS.ecdhCurves ${problem}`);
    return;
  }
  for (const { field, message } of read.problems) {
    report(at, field === '' ? message : `${field} ${message}`);
  }
}

function checkImmutable(old: ConfigMap, resource: ConfigMap, report: Report): void {
  if (old.immutable !== true) return;
  if (resource.immutable !== true) report('immutable', 'cannot be unset once it is true');
  for (const part of ['data', 'binaryData'] as const) {
    if (!sameJson(old[part], resource[part])) {
      report(part, 'cannot be changed, as immutable is true');
    }
  }
}
