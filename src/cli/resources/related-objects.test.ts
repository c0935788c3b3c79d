import { expect, it } from 'vitest';
import type { ApiObject } from '../../apiclient/api-object.ts';
import { type Look, relatedObjects } from './related-objects.ts';

const object = (apiVersion: string, kind: string, place: string, rest: object = {}): ApiObject => {
  const [namespace = '', name = ''] = place.split('/');
  const metadata = { name, ...(namespace === '' ? {} : { namespace }) };
  return { apiVersion, kind, metadata, ...rest };
};

const pod = (place: string, serviceAccountName: string) =>
  object('v1', 'Pod', place, {
    spec: { serviceAccountName },
    status: { podIP: '10.0.0.1', phase: 'Running' },
  });

const STORED: Readonly<Record<string, readonly ApiObject[]>> = {
  pods: [pod('shop/web-1', 'web')],
  services: [object('v1', 'Service', 'shop/web'), object('v1', 'Service', 'bank/web')],
  serviceentries: [
    object('networking.istio.io/v1', 'ServiceEntry', 'shop/pay', { spec: { hosts: ['pay.org'] } }),
  ],
  destinationrules: [
    object('networking.istio.io/v1', 'DestinationRule', 'shop/web', { spec: { host: 'web' } }),
  ],
  rolebindings: [
    object('rbac.authorization.k8s.io/v1', 'RoleBinding', 'shop/readers', {
      subjects: [{ kind: 'ServiceAccount', name: 'web' }],
      roleRef: { kind: 'ClusterRole', name: 'view' },
    }),
  ],
};

function looking(): { readonly asked: string[]; readonly look: Look } {
  const asked: string[] = [];
  const look: Look = {
    rootNamespace: 'istio-system',
    list(type, { namespace = '*', selector = '' }) {
      asked.push(`${type} ${namespace} ${selector}`.trim());
      const all = STORED[type] ?? [];
      const inside = all.filter(({ metadata }) => metadata.namespace === namespace);
      return Promise.resolve(namespace === '*' ? all : inside);
    },
  };
  return { asked, look };
}

const related = async (one: ApiObject) => {
  const { asked, look } = looking();
  const found = await relatedObjects(one, look);
  return { asked, found: found.map(({ title, lines }) => [title, ...lines]) };
};

it.each([
  ['shop/a', { selector: { matchLabels: { app: 'web' } } }, 'pods shop app=web'],
  ['shop/a', {}, 'pods shop'],
  ['istio-system/a', {}, 'pods *'],
])('of a policy %s with %j are the workloads that it holds of', async (place, spec, asked) => {
  const policy = object('security.istio.io/v1', 'AuthorizationPolicy', place, { spec });
  expect(await related(policy)).toEqual({
    asked: [asked],
    found: [['Workloads', 'shop/web-1  10.0.0.1 Running']],
  });
});

it.each([
  ['web', ['Service shop/web']],
  ['web.bank.svc.cluster.local', ['Service bank/web']],
  ['pay.org', ['ServiceEntry shop/pay']],
  ['nobody', []],
])('of a rule for %s are the services that it is about', async (host, services) => {
  const rule = object('networking.istio.io/v1', 'DestinationRule', 'shop/r', { spec: { host } });
  expect((await related(rule)).found).toEqual([['Called', ...services]]);
});

it('of an account are who runs as it, and what it may do', async () => {
  expect((await related(object('v1', 'ServiceAccount', 'shop/web'))).found).toEqual([
    ['Workloads', 'shop/web-1  10.0.0.1 Running'],
    ['Rights in the API', 'in shop: ClusterRole view by RoleBinding readers'],
  ]);
  expect((await related(object('v1', 'ServiceAccount', 'bank/web'))).found).toEqual([
    ['Workloads'],
    ['Rights in the API'],
  ]);
});

it('of a Service are its workloads and the rules for its host', async () => {
  const service = object('v1', 'Service', 'shop/web', { spec: { selector: { app: 'web' } } });
  expect(await related(service)).toEqual({
    asked: ['pods shop app=web', 'destinationrules *'],
    found: [
      ['Workloads', 'shop/web-1  10.0.0.1 Running'],
      ['Destination Rules', 'shop/web'],
    ],
  });
});

it('of other kinds there are none', async () => {
  expect(await related(object('v1', 'ConfigMap', 'shop/a'))).toEqual({ asked: [], found: [] });
});
