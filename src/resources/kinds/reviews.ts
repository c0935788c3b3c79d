import type { TSchema } from 'typebox';
import type { KindDefinition, Report } from '../kind-definition.ts';
import type { Resource } from '../resource.ts';
import {
  selfSubjectAccessReviewSchema,
  selfSubjectReviewSchema,
  selfSubjectRulesReviewSchema,
  subjectAccessReviewSchema,
  tokenRequestSchema,
  tokenReviewSchema,
} from './review-schemas.ts';

const AUTHENTICATION = 'authentication.k8s.io';
const AUTHORIZATION = 'authorization.k8s.io';

/** `kubectl create token` may ask for no shorter one. */
const SHORTEST_TOKEN_SECONDS = 600;

interface Question {
  readonly group: string;
  readonly kind: string;
  readonly namespaced?: boolean;
  readonly description: string;
  readonly schema: () => TSchema;
  readonly validate?: (resource: Resource, report: Report) => void;
}

/** A kind that is posted, answered and forgotten. */
function question({ group, kind, namespaced = false, schema, ...rest }: Question): KindDefinition {
  const singular = kind.toLowerCase();
  return {
    ...rest,
    group,
    versions: ['v1'],
    kind,
    plural: `${singular}s`,
    singular,
    shortNames: [],
    categories: [],
    namespaced,
    get schema() {
      return schema();
    },
    columns: [],
    verbs: ['create'],
    strategicMerge: true,
    origin: 'answer',
    visibility: 'never',
    confidential: kind.startsWith('Token'),
  };
}

/** The questions about who somebody is and what they may do, and the request for a token. */
export const reviews: readonly KindDefinition[] = [
  question({
    group: AUTHENTICATION,
    kind: 'TokenReview',
    description: 'Asks whose a token is.',
    schema: tokenReviewSchema,
    validate: ({ spec }, report) => {
      const { token = '' } = spec as { readonly token?: string };
      if (token === '') report('spec.token', 'is required');
    },
  }),
  question({
    group: AUTHENTICATION,
    kind: 'SelfSubjectReview',
    description: 'Asks who the caller is.',
    schema: selfSubjectReviewSchema,
  }),
  question({
    group: AUTHORIZATION,
    kind: 'SubjectAccessReview',
    description: 'Asks whether somebody may do something.',
    schema: subjectAccessReviewSchema,
    validate: checkSubjectAccess,
  }),
  question({
    group: AUTHORIZATION,
    kind: 'LocalSubjectAccessReview',
    namespaced: true,
    description: 'Asks whether somebody may do something in a namespace.',
    schema: subjectAccessReviewSchema,
    validate: checkSubjectAccess,
  }),
  question({
    group: AUTHORIZATION,
    kind: 'SelfSubjectAccessReview',
    description: 'Asks whether the caller may do something.',
    schema: selfSubjectAccessReviewSchema,
    validate: checkAccess,
  }),
  question({
    group: AUTHORIZATION,
    kind: 'SelfSubjectRulesReview',
    description: 'Asks what the caller may do in a namespace.',
    schema: selfSubjectRulesReviewSchema,
    validate: ({ spec }, report) => {
      const { namespace = '' } = spec as { readonly namespace?: string };
      if (namespace === '') report('spec.namespace', 'is required');
    },
  }),
];

/** What is posted to the `token` subresource of a ServiceAccount; it has no path of its own. */
export const tokenRequest: KindDefinition = question({
  group: AUTHENTICATION,
  kind: 'TokenRequest',
  namespaced: true,
  description: 'Asks for a token of a ServiceAccount.',
  schema: tokenRequestSchema,
  validate: ({ spec }, report) => {
    const { expirationSeconds } = spec as { readonly expirationSeconds?: number };
    if (expirationSeconds !== undefined && expirationSeconds < SHORTEST_TOKEN_SECONDS) {
      report('spec.expirationSeconds', `must be at least ${SHORTEST_TOKEN_SECONDS}`);
    }
    if (expirationSeconds !== undefined && expirationSeconds > 2 ** 32) {
      report('spec.expirationSeconds', `must be at most ${2 ** 32}`);
    }
  },
});

function checkSubjectAccess(resource: Resource, report: Report): void {
  checkAccess(resource, report);
  const { user = '', groups = [] } = resource['spec'] as {
    readonly user?: string;
    readonly groups?: readonly string[];
  };
  if (user === '' && groups.length === 0) report('spec.user', 'user or groups must be set');
}

function checkAccess({ spec }: Resource, report: Report): void {
  const given = ['resourceAttributes', 'nonResourceAttributes'].filter((name) =>
    Object.hasOwn(spec as object, name),
  );
  if (given.length !== 1) {
    report('spec', 'exactly one of resourceAttributes and nonResourceAttributes must be set');
  }
}
