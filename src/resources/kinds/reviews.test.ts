import { expect, it } from 'vitest';
import { problemsOf } from '../../../test/kit/validated.ts';
import { checkSchema } from '../check-schema.ts';
import { reviews, tokenRequest } from './reviews.ts';

function review(kind: string, spec: string): string {
  const group = kind === 'TokenReview' ? 'authentication' : 'authorization';
  return `{apiVersion: ${group}.k8s.io/v1, kind: ${kind}, metadata: {name: a}, spec: ${spec}}`;
}

it.each([
  review('TokenReview', '{token: x}'),
  review('SubjectAccessReview', '{user: a, resourceAttributes: {verb: get, resource: pods}}'),
  review('SelfSubjectAccessReview', '{nonResourceAttributes: {path: /healthz, verb: get}}'),
  review('SelfSubjectRulesReview', '{namespace: a}'),
])('takes %s', (yaml) => {
  expect(problemsOf(yaml)).toEqual([]);
});

it.each([
  [review('TokenReview', '{}'), 'spec.token: is required'],
  [review('SelfSubjectRulesReview', '{}'), 'spec.namespace: is required'],
  [
    review('SubjectAccessReview', '{nonResourceAttributes: {path: /}}'),
    'spec.user: user or groups must be set',
  ],
  [
    review('SelfSubjectAccessReview', '{}'),
    'spec: exactly one of resourceAttributes and nonResourceAttributes must be set',
  ],
])('refuses %s', (yaml, problem) => {
  expect(problemsOf(yaml)).toEqual([problem]);
});

it('answers questions and stores none of them', () => {
  expect(new Set(reviews.map(({ origin }) => origin))).toEqual(new Set(['answer']));
  expect(new Set(reviews.flatMap(({ verbs }) => verbs))).toEqual(new Set(['create']));
});

it('quotes no token', () => {
  expect(problemsOf(review('TokenReview', '{token: 7}'))).toEqual(['spec.token: must be a string']);
});

it('fills the audiences of a token in, and bounds how long one is asked for', () => {
  const wanted = { spec: { expirationSeconds: 10 } };
  expect(checkSchema(wanted, { schema: tokenRequest.schema, confidential: true })).toEqual([]);
  expect(wanted.spec).toEqual({ expirationSeconds: 10, audiences: [] });
  const problems: string[] = [];
  const resource = { apiVersion: 'v1', kind: 'TokenRequest', metadata: { name: 'a' }, ...wanted };
  tokenRequest.validate?.(resource, (field, message) => problems.push(`${field}: ${message}`));
  expect(problems).toEqual(['spec.expirationSeconds: must be at least 600']);
});
