import { type TObject, type TProperties, Type } from 'typebox';
import { atomicTexts, flag, int64, list, map, text } from '../fields.ts';
import { lazy } from '../lazy.ts';
import { closed, status } from '../schema.ts';
import { atomicList } from '../schema-annotations.ts';
import { policyRule } from './rbac-schema.ts';

const extra = () => map(Type.Array(Type.String()), 'More about them, by key.');

const resourceAttributes = lazy(() =>
  closed(
    {
      namespace: text('Namespace; empty for all, or for kinds in none.'),
      verb: text('What would be done: get, list, create; `*` for anything.'),
      group: text('API group; `*` for all.'),
      version: text('Version of it; `*` for all.'),
      resource: text('Resource in the plural; `*` for all.'),
      subresource: text('Subresource, such as `log`.'),
      name: text('Name; empty for all.'),
      fieldSelector: Type.Optional(selectorAttributes('Fields that narrow it.')),
      labelSelector: Type.Optional(selectorAttributes('Labels that narrow it.')),
    },
    'What would be done to resources.',
  ),
);

function selectorAttributes(description: string) {
  return closed(
    {
      rawSelector: text('As a query has it.'),
      requirements: list(
        Type.Record(Type.String(), Type.Unknown(), {
          'x-kubernetes-preserve-unknown-fields': true,
          description: 'One condition.',
        }),
        'Conditions.',
        { ...atomicList() },
      ),
    },
    description,
  );
}

const access = lazy(() => ({
  resourceAttributes: Type.Optional(resourceAttributes()),
  nonResourceAttributes: Type.Optional(
    closed(
      { path: text('Path of the URL.'), verb: text('Method, in lower case.') },
      'What would be asked beside resources.',
    ),
  ),
}));

function question<P extends TProperties>(spec: TObject<P>) {
  return Type.Object({ spec, status: Type.Optional(status) }, { additionalProperties: false });
}

/** The schema of a TokenReview below its metadata. */
export const tokenReviewSchema = lazy(() =>
  question(
    closed(
      {
        token: text('The token.'),
        audiences: atomicTexts('Audiences of which it must be for one.'),
      },
      'Whose token is this?',
    ),
  ),
);

/** The schema of a SelfSubjectReview below its metadata. */
export const selfSubjectReviewSchema = lazy(() =>
  Type.Object({ status: Type.Optional(status) }, { additionalProperties: false }),
);

/** The schema of a SubjectAccessReview and of a LocalSubjectAccessReview below their metadata. */
export const subjectAccessReviewSchema = lazy(() =>
  question(
    closed(
      {
        ...access(),
        user: text('Who.'),
        groups: atomicTexts('In which groups.'),
        extra: extra(),
        uid: text('Of which uid.'),
      },
      'May they do this?',
    ),
  ),
);

/** The schema of a SelfSubjectAccessReview below its metadata. */
export const selfSubjectAccessReviewSchema = lazy(() =>
  question(closed({ ...access() }, 'May I do this?')),
);

/** The schema of a SelfSubjectRulesReview below its metadata. */
export const selfSubjectRulesReviewSchema = lazy(() =>
  Type.Object(
    {
      spec: closed({ namespace: text('In which namespace.') }, 'What may I do?'),
      status: Type.Optional(
        closed(
          {
            resourceRules: Type.Array(policyRule(), {
              description: 'What may be done to resources.',
              ...atomicList(),
            }),
            nonResourceRules: Type.Array(policyRule(), {
              description: 'What may be asked beside them.',
              ...atomicList(),
            }),
            incomplete: flag('Whether there may be more.', { default: false }),
            evaluationError: text('What went wrong.'),
          },
          'The answer.',
        ),
      ),
    },
    { additionalProperties: false },
  ),
);

/** The schema of a TokenRequest below its metadata. */
export const tokenRequestSchema = lazy(() =>
  question(
    closed(
      {
        audiences: Type.Array(Type.String(), {
          default: [],
          description: 'Whom the token is for.',
          ...atomicList(),
        }),
        expirationSeconds: int64('Seconds that it holds; an hour where it is left out.'),
        boundObjectRef: Type.Optional(
          closed(
            {
              kind: text('Its kind.'),
              apiVersion: text('Its apiVersion.'),
              name: text('Its name.'),
              uid: text('Its uid.'),
            },
            'The object with which it ends.',
          ),
        ),
      },
      'What token is wanted.',
    ),
  ),
);
