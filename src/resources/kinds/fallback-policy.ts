import { Type } from 'typebox';
import { duration } from '../fields.ts';
import { parseGoDuration } from '../go-duration.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { closed, oneOf, status } from '../schema.ts';
import { ageColumn } from './columns.ts';
import { checkSelector, selectorSchema, warnOfSelector } from './selector.ts';

/** A week: who has had no certificate for longer has other troubles. */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 7 * 24 * 3_600_000;

const schema = Type.Object(
  {
    spec: closed(
      {
        selector: Type.Optional(selectorSchema),
        mode: oneOf(
          ['Deny', 'KeepLast', 'Plaintext'],
          'Deny makes and takes no connection; KeepLast goes on with the certificate that ran out, and takes such of others, for `keepFor`; Plaintext calls without TLS where the other side takes that.',
        ),
        keepFor: duration('How long after its end a certificate still counts; for KeepLast.'),
      },
      'What workloads do that have no valid certificate any more.',
    ),
    status: Type.Optional(status),
  },
  { additionalProperties: false },
);

/** What workloads do when their certificate has run out and no new one can be had. */
export type FallbackPolicy = ResourceOf<'FallbackPolicy', typeof schema>;

/** Not Istio's, which has no answer to this but to fail. */
export const fallbackPolicy: KindDefinition<FallbackPolicy> = {
  group: 'security.hauberk.dev',
  versions: ['v1alpha1'],
  kind: 'FallbackPolicy',
  plural: 'fallbackpolicies',
  singular: 'fallbackpolicy',
  shortNames: ['fp'],
  categories: ['hauberk'],
  namespaced: true,
  description:
    'Says what workloads do whose certificate has run out and who can get no new one: for the whole mesh (in the root namespace), a namespace, or the workloads that a selector picks. Without one they are cut off.',
  schema,
  columns: [
    { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
    { name: 'Keep for', type: 'string', jsonPath: '.spec.keepFor' },
    {
      name: 'Uses',
      type: 'integer',
      description: 'How often agents went on by it, as far as they could tell.',
      jsonPath: '.status.uses',
    },
    {
      name: 'Last used',
      type: 'date',
      description: 'How long ago it was used.',
      jsonPath: '.status.lastUsed',
    },
    ageColumn,
    {
      name: 'Last used by',
      type: 'string',
      description: 'The workload that used it last.',
      priority: 1,
      jsonPath: '.status.lastUsedBy',
    },
  ],
  validate: checkFallbackPolicy,
  warn: warnOfFallbackPolicy,
  visibility: 'own-and-root',
  subresources: { status: true },
  confidential: false,
};

function checkFallbackPolicy({ spec }: FallbackPolicy, report: Report): void {
  checkSelector(spec.selector, 'spec.selector', report);
  const { mode, keepFor } = spec;
  if (mode !== 'KeepLast') {
    if (keepFor !== undefined)
      report('spec.keepFor', `counts with KeepLast only, not with ${mode}`);
    return;
  }
  const ms = parseGoDuration(keepFor ?? '');
  if (ms === undefined || ms < SHORTEST_MS || ms > LONGEST_MS) {
    report('spec.keepFor', 'must be between 1s and 168h with KeepLast');
  }
}

function warnOfFallbackPolicy({ spec }: FallbackPolicy, report: Report): void {
  warnOfSelector(spec.selector, 'spec.selector', report);
  if (spec.mode === 'Plaintext') {
    report(
      'spec.mode',
      'Plaintext gives up identity and secrecy while there is no certificate; each such connection is counted and logged',
    );
  }
}
