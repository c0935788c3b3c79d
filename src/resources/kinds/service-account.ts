import { Type } from 'typebox';
import { parseDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import { annotations } from '../annotations.ts';
import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { closed } from '../schema.ts';
import { atomicList, mapList } from '../schema-annotations.ts';
import { ageColumn } from './columns.ts';

const text = Type.Optional(Type.String());

const objectReference = closed(
  {
    apiVersion: text,
    kind: text,
    name: text,
    namespace: text,
    uid: text,
    resourceVersion: text,
    fieldPath: text,
  },
  'A Secret of the same namespace.',
);

const schema = Type.Object(
  {
    secrets: Type.Optional(
      Type.Array(objectReference, {
        description: 'Secrets that Pods of this account may use.',
        ...mapList('name'),
      }),
    ),
    imagePullSecrets: Type.Optional(
      Type.Array(closed({ name: text }, 'A Secret of the same namespace.'), {
        description: 'Secrets for pulling images.',
        ...atomicList(),
      }),
    ),
    automountServiceAccountToken: Type.Optional(
      Type.Boolean({ description: 'Whether Pods get a token of this account by themselves.' }),
    ),
  },
  { additionalProperties: false },
);

/** Whom a workload runs as; its SPIFFE ID is made from this name and its namespace. */
export type ServiceAccount = ResourceOf<'ServiceAccount', typeof schema>;

/** Kubernetes' ServiceAccount. */
export const serviceAccount: KindDefinition<ServiceAccount> = {
  group: '',
  versions: ['v1'],
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  categories: [],
  namespaced: true,
  description:
    'Whom a workload runs as: the identity of every workload is made from its namespace and the name of its service account.',
  schema,
  columns: [ageColumn],
  subresources: { token: true },
  validate: checkServiceAccount,
  strategicMerge: true,
  answersDeleted: true,
  visibility: 'own',
  confidential: false,
};

function checkServiceAccount({ metadata }: ServiceAccount, report: Report): void {
  const lifetime = metadata.annotations?.[annotations.svidLifetime];
  if (lifetime !== undefined && !isPositiveDuration(lifetime)) {
    report(
      fieldOf(['metadata', 'annotations', annotations.svidLifetime]),
      `${quote(lifetime)} is not a lifetime; write for example "1h" or "10s"`,
    );
  }
}

function isPositiveDuration(text: string): boolean {
  try {
    return parseDuration(text) > 0;
  } catch (error) {
    if (MeshError.is(error, 'ERR_USAGE')) return false;
    throw error;
  }
}
