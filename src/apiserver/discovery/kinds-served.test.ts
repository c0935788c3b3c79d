import { beforeAll, describe, expect, it } from 'vitest';
import { type ApiRig, apiRig } from '../../../test/kit/api-rig.ts';

const ISTIO = ['v1', 'v1beta1', 'v1alpha3'];
const SECURITY = ['v1', 'v1beta1'];

interface Row {
  readonly group: string;
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  /** Where kubectl's users have one. */
  readonly short: string | undefined;
}

const KINDS: readonly Row[] = (
  [
    ['', ['v1'], 'Namespace', 'namespaces', 'ns'],
    ['', ['v1'], 'Secret', 'secrets'],
    ['', ['v1'], 'ConfigMap', 'configmaps', 'cm'],
    ['', ['v1'], 'ServiceAccount', 'serviceaccounts', 'sa'],
    ['', ['v1'], 'Service', 'services', 'svc'],
    ['', ['v1'], 'Endpoints', 'endpoints', 'ep'],
    ['', ['v1'], 'Pod', 'pods', 'po'],
    ['', ['v1'], 'Event', 'events', 'ev'],
    ['discovery.k8s.io', ['v1'], 'EndpointSlice', 'endpointslices'],
    ['apps', ['v1'], 'Deployment', 'deployments', 'deploy'],
    ['rbac.authorization.k8s.io', ['v1'], 'Role', 'roles'],
    ['rbac.authorization.k8s.io', ['v1'], 'ClusterRole', 'clusterroles'],
    ['rbac.authorization.k8s.io', ['v1'], 'RoleBinding', 'rolebindings'],
    ['rbac.authorization.k8s.io', ['v1'], 'ClusterRoleBinding', 'clusterrolebindings'],
    ['security.istio.io', SECURITY, 'PeerAuthentication', 'peerauthentications', 'pa'],
    ['security.istio.io', SECURITY, 'RequestAuthentication', 'requestauthentications', 'ra'],
    ['security.istio.io', SECURITY, 'AuthorizationPolicy', 'authorizationpolicies', 'ap'],
    ['networking.istio.io', ISTIO, 'DestinationRule', 'destinationrules', 'dr'],
    ['networking.istio.io', ISTIO, 'Gateway', 'gateways', 'gw'],
    ['networking.istio.io', ISTIO, 'ServiceEntry', 'serviceentries', 'se'],
    ['networking.istio.io', ISTIO, 'WorkloadEntry', 'workloadentries', 'we'],
    ['networking.istio.io', ISTIO, 'WorkloadGroup', 'workloadgroups', 'wg'],
    ['networking.istio.io', ISTIO, 'VirtualService', 'virtualservices', 'vs'],
    ['networking.istio.io', ISTIO, 'Sidecar', 'sidecars'],
    ['telemetry.istio.io', ['v1', 'v1alpha1'], 'Telemetry', 'telemetries', 'telemetry'],
    ['install.istio.io', ['v1alpha1'], 'IstioOperator', 'istiooperators', 'iop'],
    ['cert-manager.io', ['v1'], 'Certificate', 'certificates', 'cert'],
    ['cert-manager.io', ['v1'], 'CertificateRequest', 'certificaterequests', 'cr'],
    ['cert-manager.io', ['v1'], 'Issuer', 'issuers'],
    ['cert-manager.io', ['v1'], 'ClusterIssuer', 'clusterissuers'],
    ['monitoring.coreos.com', ['v1'], 'ServiceMonitor', 'servicemonitors', 'smon'],
    ['monitoring.coreos.com', ['v1'], 'PodMonitor', 'podmonitors', 'pmon'],
    ['monitoring.coreos.com', ['v1'], 'PrometheusRule', 'prometheusrules', 'promrule'],
    [
      'apiextensions.k8s.io',
      ['v1'],
      'CustomResourceDefinition',
      'customresourcedefinitions',
      'crd',
    ],
  ] as const
).map(([group, versions, kind, plural, short]) => ({
  ...{ group, versions, kind, plural, short },
}));

const QUESTIONS: readonly (readonly [string, string])[] = [
  ['authentication.k8s.io', 'tokenreviews'],
  ['authentication.k8s.io', 'selfsubjectreviews'],
  ['authorization.k8s.io', 'subjectaccessreviews'],
  ['authorization.k8s.io', 'selfsubjectaccessreviews'],
  ['authorization.k8s.io', 'selfsubjectrulesreviews'],
  ['authorization.k8s.io', 'localsubjectaccessreviews'],
];

let rig: ApiRig;
beforeAll(async () => {
  rig = await apiRig();
});

const baseOf = (group: string, version: string): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`;

describe.each(KINDS)('$kind of $group', ({ group, versions, kind, plural, short }) => {
  it.each(versions)('is discovered in %s by its names', async (version) => {
    const { json } = await rig.call('GET', baseOf(group, version));
    const found = json.resources.find(({ name }: { name: string }) => name === plural);
    expect(found).toMatchObject({ kind });
    if (short !== undefined) expect(found.shortNames).toContain(short);
  });

  it.each(versions)('is explained in %s, field by field', async (version) => {
    const path = `/openapi/v3${group === '' ? `/api/${version}` : `/apis/${group}/${version}`}`;
    const { schemas } = (await rig.call('GET', path)).json.components;
    const schema = Object.values<Record<string, unknown>>(schemas).find((one) =>
      JSON.stringify(one['x-kubernetes-group-version-kind'] ?? '').includes(`"kind":"${kind}"`),
    );
    expect(schema?.['description']).toBeTruthy();
    const fields = Object.entries(schema?.['properties'] ?? {}) as [
      string,
      { description?: string },
    ][];
    const bare = fields
      .filter(([, field]) => (field.description ?? '') === '')
      .map(([name]) => name);
    expect(bare).toEqual([]);
    expect(fields.length).toBeGreaterThan(2);
  });

  it('is a Table with an age or columns of its own', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const { json } = await rig.call('GET', `${baseOf(group, versions[0] ?? '')}/${plural}`, {
      accept,
    });
    expect(json.kind).toBe('Table');
    expect(json.columnDefinitions.length).toBeGreaterThan(1);
  });
});

it.each(QUESTIONS)('%s answers %s', async (group, plural) => {
  const { json } = await rig.call('GET', baseOf(group, 'v1'));
  const found = json.resources.find(({ name }: { name: string }) => name === plural);
  expect(found?.verbs).toEqual(['create']);
});

it('has the token and the log below their resources', async () => {
  const { json } = await rig.call('GET', '/api/v1');
  const names = json.resources.map(({ name }: { name: string }) => name);
  expect(names).toEqual(expect.arrayContaining(['serviceaccounts/token', 'pods/log']));
});
