import { expect, it } from 'vitest';
import { problemsOf, resourceOf, warningsOf } from '../../../test/kit/validated.ts';

function withSpec(spec: string): string {
  return `{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: a}, spec: ${spec}}`;
}

it.each([
  '{}',
  '{mtls: {}}',
  '{mtls: {mode: UNSET}}',
  '{mtls: {mode: DISABLE}}',
  '{mtls: {mode: PERMISSIVE}}',
  '{selector: {matchLabels: {app: reviews, security: high}}, mtls: {mode: STRICT}}',
  '{selector: {matchLabels: {app: a}}, portLevelMtls: {1: {mode: DISABLE}, "65535": {}}}',
])('takes the spec %s', (spec) => {
  expect(problemsOf(withSpec(spec))).toEqual([]);
  expect(warningsOf(withSpec(spec))).toEqual([]);
});

it('keeps the ports as text and fills in an empty spec', () => {
  const spec = '{selector: {matchLabels: {app: a}}, portLevelMtls: {8080: {mode: DISABLE}}}';
  expect(resourceOf(withSpec(spec))).toMatchObject({
    spec: { portLevelMtls: { '8080': { mode: 'DISABLE' } } },
  });
  const bare = '{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: a}}';
  expect(resourceOf(bare)).toMatchObject({ spec: {} });
});

it.each([
  [
    '{mtls: {mode: STRIKT}}',
    'spec.mtls.mode: "STRIKT" is not one of UNSET, DISABLE, PERMISSIVE, STRICT; did you mean "STRICT"?',
  ],
  ['{mtls: {mode: 1}}', 'spec.mtls.mode: must be a string, not 1; put it in quotes'],
  [
    '{mtls: {mode: ISTIO_MUTUAL}}',
    'spec.mtls.mode: "ISTIO_MUTUAL" is not one of UNSET, DISABLE, PERMISSIVE, STRICT',
  ],
  ['{mtlz: {}}', 'spec.mtlz: unknown field "mtlz"; did you mean "mtls"?'],
  ['null', 'spec: must be an object, not null; leave the field out if nothing is meant'],
  ['[]', 'spec: must be an object, not a list'],
  [
    '{portLevelMtls: {8080: {mode: STRICT}}}',
    'spec.portLevelMtls: mesh and namespace policies cannot have port level mTLS; give spec.selector labels',
  ],
  [
    '{selector: {}, portLevelMtls: {8080: {mode: STRICT}}}',
    'spec.portLevelMtls: mesh and namespace policies cannot have port level mTLS; give spec.selector labels',
  ],
  [
    '{selector: {matchLabels: {a: b}}, portLevelMtls: {}}',
    'spec.portLevelMtls: must have at least one element; leave it out if none is meant',
  ],
  [
    '{selector: {matchLabels: {a: b}}, portLevelMtls: {8080: {mode: OFF}}}',
    'spec.portLevelMtls[8080].mode: "OFF" is not one of UNSET, DISABLE, PERMISSIVE, STRICT',
  ],
  ...['0', '65536', 'http', '-1', '080', '8080.5', ''].map((port) => [
    `{selector: {matchLabels: {a: b}}, portLevelMtls: {"${port}": {}}}`,
    `spec.portLevelMtls${/^[a-z]/.test(port) ? `.${port}` : `[${port === '' ? '""' : port}]`}: "${port}" is not a port; it must be a number between 1 and 65535`,
  ]),
  [
    '{selector: {matchLabels: {"a*": b}}}',
    'spec.selector.matchLabels["a*"]: "a*" has a wildcard; labels are compared as they are written',
  ],
  [
    '{selector: {matchLabels: {a: "b*"}}}',
    'spec.selector.matchLabels.a: "b*" has a wildcard; labels are compared as they are written',
  ],
  [
    '{selector: {matchLabels: {"": b}}}',
    'spec.selector.matchLabels: a label key must not be empty',
  ],
  [
    '{selector: {matchLabel: {a: b}}}',
    'spec.selector.matchLabel: unknown field "matchLabel"; did you mean "matchLabels"?',
  ],
  [
    `{selector: {matchLabels: {a: ${'b'.repeat(64)}}}}`,
    'spec.selector.matchLabels.a: has more than 63 characters',
  ],
])('refuses the spec %s', (spec, problem) => {
  expect(problemsOf(withSpec(spec))).toEqual([problem]);
});

it.each(['{selector: {}}', '{selector: {matchLabels: {}}}'])(
  'warns of %s, which has no labels',
  (spec) => {
    expect(warningsOf(withSpec(spec))).toEqual([
      'spec.selector: has no labels and therefore selects every workload; leave it out if that is meant',
    ]);
  },
);
