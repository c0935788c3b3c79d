import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { destinationRule, peerAuthentication, settings } from '../../../test/kit/policies.ts';
import { ask, dial, type ProxyPair, readToEnd, startPair } from '../../../test/kit/proxy-pair.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import type { ClientTls } from '../../resources/kinds/traffic-policy-schema.ts';

/** Istio's semantics of clients, with two sidecars and what crossed between them. */
interface Row {
  /** What both sides know. `port` is the server's. */
  readonly facts?: (port: number) => Partial<MeshFacts>;
  readonly offers?: 'hbone' | 'istio-mtls' | 'plaintext';
  readonly autoMtls?: boolean;
  /** The caller's namespace. Default `shop`, the service's own. */
  readonly caller?: string;
  /** How it went, as the server saw it, and who decided; or why it was refused. */
  readonly goes: readonly [transport: string, by: string] | RegExp;
}

type Mode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';
const ROOT = { namespace: 'istio-system' };
const mtls = (mode: Mode) => ({ mtls: { mode } });
const forReviews = { selector: { matchLabels: { app: 'reviews' } } };

const byPolicies = (...peerAuthentications: MeshFacts['peerAuthentications']) => ({
  facts: () => ({ peerAuthentications }),
});

const autoMtls: readonly (readonly [string, Row])[] = [
  ['HBONE where it is offered', { goes: ['hbone', 'auto mTLS'] }],
  [
    "Istio's mutual TLS where that is all",
    { offers: 'istio-mtls', goes: ['istio-mtls', 'auto mTLS'] },
  ],
  [
    'mutual TLS to a STRICT namespace',
    {
      ...byPolicies(peerAuthentication(mtls('STRICT'))),
      offers: 'istio-mtls',
      goes: ['istio-mtls', 'auto mTLS'],
    },
  ],
  [
    'plaintext to a workload without label and account',
    { offers: 'plaintext', goes: ['plaintext', 'auto mTLS'] },
  ],
  [
    'nothing where that workload is STRICT',
    {
      ...byPolicies(peerAuthentication(mtls('STRICT'))),
      offers: 'plaintext',
      goes: /STRICT/,
    },
  ],
  [
    'plaintext where the mesh has auto mTLS off',
    { autoMtls: false, goes: ['plaintext', 'the mesh, whose enableAutoMtls is false'] },
  ],
  [
    'plaintext to a namespace that is DISABLE, though HBONE is offered',
    {
      ...byPolicies(peerAuthentication(mtls('DISABLE'))),
      goes: ['plaintext', 'PeerAuthentication shop/default, which is DISABLE'],
    },
  ],
  [
    'plaintext where the whole mesh is DISABLE',
    {
      ...byPolicies(peerAuthentication(mtls('DISABLE'), ROOT)),
      goes: ['plaintext', 'PeerAuthentication istio-system/default, which is DISABLE'],
    },
  ],
  [
    'mutual TLS to a namespace that is PERMISSIVE in a mesh that is DISABLE',
    {
      ...byPolicies(
        peerAuthentication(mtls('DISABLE'), ROOT),
        peerAuthentication(mtls('PERMISSIVE')),
      ),
      goes: ['hbone', 'auto mTLS'],
    },
  ],
  [
    'plaintext to a workload that is DISABLE in a STRICT namespace',
    {
      ...byPolicies(
        peerAuthentication(mtls('STRICT')),
        peerAuthentication({ ...forReviews, ...mtls('DISABLE') }, { name: 'reviews' }),
      ),
      goes: ['plaintext', 'auto mTLS'],
    },
  ],
  [
    'plaintext to a port that is DISABLE in a STRICT workload',
    {
      facts: (port) => ({
        peerAuthentications: [
          peerAuthentication(
            { ...forReviews, ...mtls('STRICT'), portLevelMtls: { [port]: { mode: 'DISABLE' } } },
            { name: 'reviews' },
          ),
        ],
      }),
      goes: ['plaintext', 'auto mTLS'],
    },
  ],
];

/** Rules that can be told apart by what crosses: the service's names a server, which HBONE has no room for. */
const byHbone: ClientTls = { mode: 'ISTIO_MUTUAL' };
const byIstio: ClientTls = { mode: 'ISTIO_MUTUAL', sni: 'reviews' };
const plain: ClientTls = { mode: 'DISABLE' };
const HOST = 'reviews.shop.svc.cluster.local';

function rule(place: string, tls: ClientTls, spec: Partial<DestinationRule['spec']> = {}) {
  const [namespace = '', name = ''] = place.split('/');
  return destinationRule({ host: HOST, trafficPolicy: { tls }, ...spec }, { namespace, name });
}
const byRules = (...destinationRules: readonly DestinationRule[]) => ({
  facts: () => ({ destinationRules }),
});
const root = rule('istio-system/root', plain);
const own = rule('bank/own', byHbone);
const ofService = rule('shop/service', byIstio);

const rules: readonly (readonly [string, Row])[] = [
  [
    "of the caller's namespace first",
    {
      ...byRules(root, own, ofService),
      caller: 'bank',
      goes: ['hbone', 'DestinationRule bank/own (trafficPolicy)'],
    },
  ],
  [
    "then of the service's",
    {
      ...byRules(root, own, ofService),
      caller: 'pay',
      goes: ['istio-mtls', 'DestinationRule shop/service (trafficPolicy)'],
    },
  ],
  [
    'then of the root namespace',
    {
      ...byRules(root, own),
      caller: 'pay',
      goes: ['plaintext', 'DestinationRule istio-system/root (trafficPolicy)'],
    },
  ],
  [
    'that is exported to the caller',
    {
      ...byRules(root, rule('shop/service', byIstio, { exportTo: ['.'] })),
      caller: 'pay',
      goes: ['plaintext', 'DestinationRule istio-system/root (trafficPolicy)'],
    },
  ],
  [
    'of the most specific host, which hides a wider one even without tls',
    {
      ...byRules(
        rule('shop/wide', plain, { host: '*.shop.svc.cluster.local' }),
        destinationRule({ host: HOST }, { namespace: 'shop', name: 'narrow' }),
      ),
      goes: ['hbone', 'auto mTLS'],
    },
  ],
  [
    'with a selector for the callers that it selects',
    {
      ...byRules(
        ofService,
        rule('shop/some', plain, { workloadSelector: { matchLabels: { app: 'products' } } }),
      ),
      goes: ['plaintext', 'DestinationRule shop/some (trafficPolicy)'],
    },
  ],
  [
    'without one for the others',
    {
      ...byRules(
        ofService,
        rule('shop/some', plain, { workloadSelector: { matchLabels: { app: 'others' } } }),
      ),
      goes: ['istio-mtls', 'DestinationRule shop/service (trafficPolicy)'],
    },
  ],
  [
    'for the port, before that for all ports',
    {
      ...byRules(
        rule('shop/service', plain, {
          trafficPolicy: {
            tls: plain,
            portLevelSettings: [{ port: { number: 80 }, tls: byIstio }],
          },
        }),
      ),
      goes: ['istio-mtls', 'DestinationRule shop/service (trafficPolicy.portLevelSettings)'],
    },
  ],
  [
    'for mutual TLS where auto mTLS is off',
    {
      ...byRules(ofService),
      autoMtls: false,
      goes: ['istio-mtls', 'DestinationRule shop/service (trafficPolicy)'],
    },
  ],
  [
    'for plaintext, which nobody sends to a STRICT workload',
    {
      facts: () => ({
        destinationRules: [root],
        peerAuthentications: [peerAuthentication(mtls('STRICT'))],
      }),
      goes: /STRICT/,
    },
  ],
];

async function outcome(pair: ProxyPair): Promise<unknown> {
  const { opened, upstreams } = pair.client.events;
  const socket = connect(pair.outbound);
  const reset = readToEnd(socket).then(() => upstreams[0]?.reason ?? 'reset');
  const answered = ask(await dial(pair.outbound), 'hello').then((text) => {
    expect(text).toBe('hello');
    expect(pair.server.events.opened[0]?.transport).toBe(opened[0]?.transport);
    return [opened[0]?.transport, opened[0]?.transportBy];
  });
  const how = await Promise.race([answered, reset]);
  answered.catch(() => undefined);
  socket.destroy();
  return how;
}

async function holds(row: Row): Promise<void> {
  await using pair = await startPair({
    transport: row.offers ?? 'hbone',
    settings: { ...settings, autoMtls: row.autoMtls ?? true },
    client: {
      workload: new WatchableValue({
        ...{ namespace: row.caller ?? 'shop', name: 'products-1', serviceAccount: 'products' },
        labels: { app: 'products' },
      }),
      outbound: [{ listen: { host: '127.0.0.1', port: 0 }, service: { host: HOST, port: 80 } }],
    },
  });
  const facts = row.facts?.(pair.inbound.port) ?? {};
  for (const side of [pair.client, pair.server])
    side.facts.set({ ...side.facts.current, ...facts });
  const how = await outcome(pair);
  if (row.goes instanceof RegExp) expect(how).toMatch(row.goes);
  else expect(how).toEqual(row.goes);
}

describe('without a rule a connection goes by', () => {
  it.each(autoMtls)('%s', (_, row) => holds(row));
});

describe('a connection goes by the DestinationRule', () => {
  it.each(rules)('%s', (_, row) => holds(row));
});
