import { isDeepStrictEqual } from 'node:util';
import { keyOf, type Resource } from '../../resources/resource.ts';
import type { Change, Store } from '../../store/store.ts';
import { RBAC_GROUP } from './rbac-authorizer.ts';
import { AUTHENTICATED, MASTERS, UNAUTHENTICATED } from './user-info.ts';

const API_VERSION = `${RBAC_GROUP}/v1`;
const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
const LABEL = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];
/** The groups of what people declare of the mesh; the control plane's own records are read only anyway. */
const MESH_GROUPS = [
  'cert-manager.io',
  'monitoring.coreos.com',
  'networking.istio.io',
  'security.hauberk.dev',
  'security.istio.io',
  'telemetry.istio.io',
];

type Rule = Readonly<Record<string, readonly string[]>>;

const rule = (
  apiGroups: readonly string[],
  resources: readonly string[],
  verbs: readonly string[],
): Rule => ({
  apiGroups,
  resources,
  verbs,
});
const VISIBLE = [
  'configmaps',
  'endpoints',
  'events',
  'namespaces',
  'pods',
  'pods/log',
  'serviceaccounts',
  'services',
];
const EDITABLE = ['configmaps', 'endpoints', 'events', 'secrets', 'serviceaccounts', 'services'];

const viewRules: readonly Rule[] = [
  rule([''], VISIBLE, READ),
  rule(['apps'], ['deployments'], READ),
  rule(['discovery.k8s.io'], ['endpointslices'], READ),
  rule(MESH_GROUPS, ['*'], READ),
  // How the mesh is set up: without it nobody can say what a policy means. Changing it is for operators.
  rule(['install.istio.io'], ['istiooperators'], READ),
];
const editRules: readonly Rule[] = [
  rule([''], ['secrets'], READ),
  rule([''], EDITABLE, WRITE),
  rule([''], ['serviceaccounts'], ['impersonate']),
  rule([''], ['serviceaccounts/token', 'serviceaccounts/enrolment'], ['create']),
  rule(['discovery.k8s.io'], ['endpointslices'], WRITE),
  rule(MESH_GROUPS, ['*'], WRITE),
];
const adminRules: readonly Rule[] = [
  rule(['authorization.k8s.io'], ['localsubjectaccessreviews'], ['create']),
  rule([RBAC_GROUP], ['roles', 'rolebindings'], [...READ, ...WRITE]),
];
const paths = (urls: readonly string[]): Rule => ({
  nonResourceURLs: urls,
  verbs: ['get', 'head'],
});
const INFO = ['/healthz', '/livez', '/readyz', '/version', '/version/'];
const ISSUER = ['/.well-known/openid-configuration', '/openid/v1/jwks'];
const DISCOVERY = ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', ...INFO];

/** What changes the mesh and gives nothing away: neither the backup, which has the keys, nor going back as a whole. */
const OPERATED = [
  '/hauberk/v1/ca/abort',
  '/hauberk/v1/ca/reload',
  '/hauberk/v1/ca/rotate',
  '/hauberk/v1/certificates/revoke',
  '/hauberk/v1/token-keys/replace',
];

/** The roles that every mesh has, as in Kubernetes: cluster-admin, admin, edit, view and those of the system. */
const bootstrapRoles: readonly Resource[] = [
  clusterRole('cluster-admin', [
    rule(['*'], ['*'], ['*']),
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ]),
  clusterRole('system:discovery', [
    paths(DISCOVERY),
    // kubectl looks here for kinds that it does not know.
    rule(['apiextensions.k8s.io'], ['customresourcedefinitions'], ['get', 'list']),
  ]),
  clusterRole('system:public-info-viewer', [paths(INFO)]),
  // Who verifies tokens of service accounts; bind it to system:unauthenticated to let anybody do it.
  clusterRole('system:service-account-issuer-discovery', [paths(ISSUER)]),
  clusterRole('system:basic-user', [
    rule(
      ['authorization.k8s.io'],
      ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
      ['create'],
    ),
    rule(['authentication.k8s.io'], ['selfsubjectreviews'], ['create']),
  ]),
  clusterRole('system:aggregate-to-view', viewRules, ['view', 'edit', 'admin']),
  clusterRole('system:aggregate-to-edit', editRules, ['edit', 'admin']),
  clusterRole('system:aggregate-to-admin', adminRules, ['admin']),
  ...['view', 'edit', 'admin'].map(aggregated),
  clusterRole('hauberk-observer', [paths(['/hauberk/v1/*'])]),
  clusterRole('hauberk-operator', [
    paths(['/hauberk/v1/*']),
    { nonResourceURLs: OPERATED, verbs: ['post'] },
  ]),
  binding('cluster-admin', [MASTERS]),
  binding('system:discovery', [AUTHENTICATED]),
  binding('system:basic-user', [AUTHENTICATED]),
  binding('system:service-account-issuer-discovery', ['system:serviceaccounts']),
  binding('system:public-info-viewer', [AUTHENTICATED, UNAUTHENTICATED]),
];

function metadata(
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Resource['metadata'] {
  return { name, labels: { ...LABEL, ...labels }, annotations: { [AUTOUPDATE]: 'true' } };
}

function clusterRole(
  name: string,
  rules: readonly Rule[],
  aggregateTo: readonly string[] = [],
): Resource {
  const labels = Object.fromEntries(
    aggregateTo.map((role) => [`${RBAC_GROUP}/aggregate-to-${role}`, 'true']),
  );
  return { apiVersion: API_VERSION, kind: 'ClusterRole', metadata: metadata(name, labels), rules };
}

/** A role of all rules of the roles that carry its label. */
function aggregated(name: string): Resource {
  const matchLabels = { [`${RBAC_GROUP}/aggregate-to-${name}`]: 'true' };
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels }] };
  return {
    apiVersion: API_VERSION,
    kind: 'ClusterRole',
    metadata: metadata(name),
    aggregationRule,
    rules: [],
  };
}

function binding(role: string, groups: readonly string[]): Resource {
  return {
    apiVersion: API_VERSION,
    kind: 'ClusterRoleBinding',
    metadata: metadata(role),
    roleRef: { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: role },
    subjects: groups.map((name) => ({ apiGroup: RBAC_GROUP, kind: 'Group', name })),
  };
}

/**
 * Stores the roles that are missing or not as they should be. One whose annotation
 * `rbac.authorization.kubernetes.io/autoupdate` says `false` is left as it is.
 */
export async function ensureBootstrapRoles(store: Pick<Store, 'get' | 'commit'>): Promise<void> {
  const changes: Change[] = [];
  for (const wanted of bootstrapRoles) {
    const stored = await store.get(keyOf(wanted));
    if (stored === undefined) changes.push({ op: 'put', resource: wanted, expectVersion: '0' });
    else if (stored.metadata.annotations?.[AUTOUPDATE] === 'true' && differs(stored, wanted)) {
      const expectVersion = stored.metadata.resourceVersion ?? '0';
      changes.push({ op: 'put', resource: { ...stored, ...contents(wanted) }, expectVersion });
    }
  }
  if (changes.length > 0) await store.commit(changes);
}

function contents({ metadata: _, ...rest }: Resource): object {
  return rest;
}

function differs(stored: Resource, wanted: Resource): boolean {
  return !isDeepStrictEqual(contents(stored), contents(wanted));
}
