import { describe, expect, it } from 'vitest';
import {
  destinationRule,
  peerAuthentication,
  service,
  serviceEntry,
  settings,
  workloadEntry,
} from '../../../test/kit/policies.ts';
import { type MeshFacts, noFacts } from '../mesh-facts.ts';
import { resolveUpstream } from './resolve-upstream.ts';

const TARGET = 8080;
const ports = [{ name: 'http', port: 80, targetPort: TARGET }];
const willing = workloadEntry({}, { name: 'a' });
const unwilling = workloadEntry({ serviceAccount: '' }, { name: 'b' });
/** Switched off on the port of the workload that the service leads to, and nowhere else. */
const offFor = (app: string, port: number) =>
  peerAuthentication({
    selector: { matchLabels: { app } },
    portLevelMtls: { [String(port)]: { mode: 'DISABLE' } },
  });
const other = workloadEntry(
  { labels: { app: 'reviews', version: 'old' } },
  { name: 'c', labels: { kind: 'old' } },
);

/** How each endpoint of `reviews.shop:80` is called. */
function called(facts: Partial<MeshFacts>): readonly string[] | string {
  const call = { host: 'reviews.shop', port: 80, client: { namespace: 'shop', labels: {} } };
  const resolved = resolveUpstream({ ...noFacts, ...facts }, call, settings);
  if ('problem' in resolved) return resolved.problem;
  return resolved.endpoints.map(({ transport }) => transport.kind);
}

const headless = { services: [service({ clusterIP: 'None', ports })] };
const passthrough = {
  services: [service({ ports })],
  destinationRules: [
    destinationRule({ trafficPolicy: { loadBalancer: { simple: 'PASSTHROUGH' } } }),
  ],
};
const entry = {
  serviceEntries: [
    serviceEntry({
      ...{ hosts: ['reviews.shop'], location: 'MESH_INTERNAL', resolution: 'NONE' },
      ports: [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: TARGET }],
      workloadSelector: { labels: { app: 'reviews' } },
    }),
  ],
};

describe.each<[string, Partial<MeshFacts>]>([
  ['a headless Service', headless],
  ['a Service with the balancer PASSTHROUGH', passthrough],
  ['a ServiceEntry of the mesh with the resolution NONE', entry],
])('the endpoints of %s', (_, facts) => {
  it.each<[string, Partial<MeshFacts>, readonly string[]]>([
    ['by mTLS where all take it', { workloadEntries: [willing] }, ['istio-mtls']],
    [
      'by plaintext where one has no account',
      { workloadEntries: [willing, unwilling] },
      ['plaintext', 'plaintext'],
    ],
    [
      'by plaintext where the port of one is DISABLE',
      {
        workloadEntries: [willing, other],
        peerAuthentications: [
          peerAuthentication({
            selector: { matchLabels: { kind: 'old' } },
            portLevelMtls: { [String(TARGET)]: { mode: 'DISABLE' } },
          }),
        ],
      },
      ['plaintext', 'plaintext'],
    ],
    [
      'by mTLS where only a port is DISABLE that has the number of the service',
      { workloadEntries: [willing], peerAuthentications: [offFor('reviews', 80)] },
      ['istio-mtls'],
    ],
  ])('are called %s', (_name, more, expected) => {
    expect(called({ ...facts, ...more })).toEqual(expected);
  });
});

it('the endpoints of any other service are called each as it is', () => {
  const workloadEntries = [willing, unwilling];
  expect(called({ services: [service({ ports })], workloadEntries })).toEqual([
    'istio-mtls',
    'plaintext',
  ]);
});

it('a name that nobody is known behind is called by plaintext', () => {
  const nobody = serviceEntry({
    ...{ hosts: ['reviews.shop'], location: 'MESH_INTERNAL', resolution: 'NONE' },
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
  });
  expect(called({ serviceEntries: [nobody] })).toEqual(['plaintext']);
});
