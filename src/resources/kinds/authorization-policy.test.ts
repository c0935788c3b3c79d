import { describe, expect, it } from 'vitest';
import { problemsOf, resourceOf, warningsOf } from '../../../test/kit/validated.ts';

function withSpec(spec: string, annotations = '{}'): string {
  return `{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: a, annotations: ${annotations}}, spec: ${spec}}`;
}

const MEANINGLESS = (action: string): string =>
  `spec.rules: a ${action} policy without rules is meaningless, as it is never triggered; add an empty rule {} to mean every call`;

describe('the policy as a whole', () => {
  it('says allow-nothing when it has no spec', () => {
    const bare =
      '{apiVersion: security.istio.io/v1beta1, kind: AuthorizationPolicy, metadata: {name: a}}';
    expect(resourceOf(bare)).toMatchObject({ apiVersion: 'security.istio.io/v1', spec: {} });
  });

  it.each([
    '{}',
    '{action: ALLOW}',
    '{action: AUDIT}',
    '{rules: []}',
    '{rules: [{}]}',
    '{action: DENY, rules: [{}]}',
    '{action: CUSTOM, provider: {name: opa}, rules: [{}]}',
    '{selector: {matchLabels: {app: a}}, rules: [{}]}',
    '{targetRef: {kind: Service, name: a}, rules: [{}]}',
    '{targetRef: {kind: Service, group: core, name: a, namespace: ""}}',
    '{targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: a}, {kind: GatewayClass, group: gateway.networking.k8s.io, name: b}, {kind: ServiceEntry, group: networking.istio.io, name: c}]}',
    '{rules: [{from: [{source: {principals: ["cluster.local/ns/shop/sa/a", "*"]}}], to: [{operation: {methods: [GET], paths: ["/api/*"], ports: ["8080"]}}], when: [{key: "request.headers[x]", values: [a]}]}]}',
  ])('takes %s', (spec) => {
    expect(problemsOf(withSpec(spec))).toEqual([]);
  });

  it.each([
    [
      '{action: Allow}',
      'spec.action: "Allow" is not one of ALLOW, DENY, AUDIT, CUSTOM; did you mean "ALLOW"?',
    ],
    ['{action: DENY}', MEANINGLESS('DENY')],
    ['{action: DENY, rules: []}', MEANINGLESS('DENY')],
    ['{action: CUSTOM, provider: {name: a}}', MEANINGLESS('CUSTOM')],
    [
      '{action: CUSTOM, rules: [{}]}',
      'spec.provider.name: must not be empty with the action CUSTOM',
    ],
    [
      '{action: CUSTOM, provider: {}, rules: [{}]}',
      'spec.provider.name: must not be empty with the action CUSTOM',
    ],
    [
      '{action: CUSTOM, provider: {name: ""}, rules: [{}]}',
      'spec.provider.name: must not be empty with the action CUSTOM',
    ],
    [
      '{action: DENY, provider: {name: a}, rules: [{}]}',
      'spec.provider: must not be set with an action other than CUSTOM',
    ],
    ['{provider: {}}', 'spec.provider: must not be set with an action other than CUSTOM'],
    [
      '{selector: {matchLabels: {a: b}}, targetRef: {kind: Service, name: a}}',
      'spec: only one of selector, targetRef and targetRefs can be set',
    ],
    [
      '{targetRefs: [{kind: Service, name: a}], targetRef: {kind: Service, name: a}}',
      'spec: only one of selector, targetRef and targetRefs can be set',
    ],
    [
      '{selector: {matchLabels: {a: "*"}}}',
      'spec.selector.matchLabels.a: "*" has a wildcard; labels are compared as they are written',
    ],
    ['{targetRef: {kind: Service, name: ""}}', 'spec.targetRef.name: must not be empty'],
    ['{targetRef: {kind: Service}}', 'spec.targetRef.name: is required'],
    [
      '{targetRef: {kind: Service, name: a, namespace: b}}',
      'spec.targetRef.namespace: a target in another namespace is not supported; leave it out',
    ],
    [
      '{targetRefs: [{kind: Service, name: a}, {kind: Pod, name: a}]}',
      'spec.targetRefs[1]: must be to one of Service, networking.istio.io/ServiceEntry, gateway.networking.k8s.io/Gateway and gateway.networking.k8s.io/GatewayClass, not "Pod"',
    ],
    [
      '{targetRef: {kind: Gateway, group: networking.istio.io, name: a}}',
      'spec.targetRef: must be to one of Service, networking.istio.io/ServiceEntry, gateway.networking.k8s.io/Gateway and gateway.networking.k8s.io/GatewayClass, not "networking.istio.io/Gateway"',
    ],
    [
      '{rules: [null]}',
      'spec.rules[0]: must be an object, not null; leave the field out if nothing is meant',
    ],
    ['{rules: {}}', 'spec.rules: must be a list, not an object'],
    [
      `{rules: [${Array.from({ length: 513 }, () => '{}').join(',')}]}`,
      'spec.rules: has more than 512 elements',
    ],
  ])('refuses %s', (spec, problem) => {
    expect(problemsOf(withSpec(spec))).toEqual([problem]);
  });

  it('reports every problem at once', () => {
    expect(
      problemsOf(
        withSpec('{action: CUSTOM, rules: [{from: []}, {from: [{source: {namespaces: [a]}}]}]}'),
      ),
    ).toEqual([
      'spec.provider.name: must not be empty with the action CUSTOM',
      'spec.rules[0].from: must not be empty; leave it out to mean every caller',
      'spec.rules[1].from[0].source.namespaces: is not supported with the action CUSTOM',
    ]);
  });
});

describe('dry run', () => {
  it.each(['1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False'])(
    'takes %s as Go does',
    (value) => {
      const annotations = `{istio.io/dry-run: "${value}"}`;
      expect(problemsOf(withSpec('{action: DENY, rules: [{}]}', annotations))).toEqual([]);
      expect(problemsOf(withSpec('{}', annotations))).toEqual([]);
    },
  );

  it.each(['', 'yes', 'tRUE', '2'])('refuses %j', (value) => {
    expect(problemsOf(withSpec('{}', `{istio.io/dry-run: "${value}"}`))).toEqual([
      `metadata.annotations[istio.io/dry-run]: "${value}" is not a boolean; use "true" or "false"`,
    ]);
  });

  it.each([
    ['AUDIT', '{action: AUDIT}'],
    ['CUSTOM', '{action: CUSTOM, provider: {name: a}, rules: [{}]}'],
  ])('refuses it with the action %s', (action, spec) => {
    expect(problemsOf(withSpec(spec, '{istio.io/dry-run: "true"}'))).toEqual([
      `metadata.annotations[istio.io/dry-run]: is supported with the actions ALLOW and DENY only, not ${action}`,
    ]);
  });
});

describe('warnings', () => {
  const TCP =
    'spec.rules[0]: will deny all connections to TCP ports, for which its HTTP fields do not count; name the ports in "to"';

  it.each([
    '{from: [{source: {requestPrincipals: [a]}}]}',
    '{from: [{source: {trustDomains: [a]}}]}',
    '{to: [{operation: {methods: [POST]}}]}',
    '{from: [{source: {namespaces: [a]}}], to: [{operation: {paths: ["/a"]}}]}',
  ])('says that a DENY rule %s denies all TCP', (rule) => {
    expect(warningsOf(withSpec(`{action: DENY, rules: [${rule}]}`))).toEqual([TCP]);
    expect(warningsOf(withSpec(`{rules: [${rule}]}`))).toEqual([]);
  });

  it.each([
    '{}',
    '{from: [{source: {namespaces: [a]}}]}',
    '{from: [{source: {requestPrincipals: [a]}}, {source: {ipBlocks: ["::1"]}}]}',
    '{to: [{operation: {methods: [POST], ports: ["80"]}}]}',
    '{to: [{operation: {methods: [POST]}}, {operation: {notPorts: ["80"]}}]}',
    '{when: [{key: source.ip, values: ["::1"]}]}',
  ])('says nothing of the DENY rule %s', (rule) => {
    expect(warningsOf(withSpec(`{action: DENY, rules: [${rule}]}`))).toEqual([]);
  });

  it('names a selector without labels', () => {
    expect(warningsOf(withSpec('{selector: {}}'))).toEqual([
      'spec.selector: has no labels and therefore selects every workload; leave it out if that is meant',
    ]);
  });
});
