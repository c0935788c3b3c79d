import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { destinationRule, serviceEntry, settings } from '../../../test/kit/policies.ts';
import {
  ask,
  dial,
  type PairOptions,
  type ProxyPair,
  readToEnd,
  SERVER_ID,
  startPair,
} from '../../../test/kit/proxy-pair.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';

const NEXT = 'spiffe://cluster.local/ns/shop/sa/next';
const OLD_NEXT = 'spiffe://old.example/ns/shop/sa/next';
const OLD_CLIENT = 'spiffe://old.example/ns/shop/sa/products';
const aliased = { ...settings, trustDomainAliases: ['old.example'] };

type Transport = NonNullable<PairOptions['transport']>;

/** A pair whose server is `id`, in a mesh that was once `old.example`. */
function pairAs(id: string, transport: Transport, over: PairOptions = {}): Promise<ProxyPair> {
  const authority = testAuthority();
  const serverIdentity = authority.identity(id);
  return startPair({ authority, serverIdentity, transport, settings: aliased, ...over });
}

function know(pair: ProxyPair, facts: Partial<MeshFacts>): void {
  pair.client.facts.set({ ...pair.client.facts.current, ...facts });
}

/** What comes of a call: `served`, or whom the server should have been. */
async function called(pair: ProxyPair): Promise<unknown> {
  const socket = connect(pair.outbound);
  const refused = readToEnd(socket).then(() => pair.client.events.handshakes[0]?.expectedIds);
  const served = ask(await dial(pair.outbound), 'hello').then(() => 'served');
  served.catch(() => undefined);
  const outcome = await Promise.race([served, refused]);
  socket.destroy();
  return outcome;
}

/** `reviews.shop:80` as a ServiceEntry of the mesh, with names of its own. */
const entry = (port: number, subjectAltNames: readonly string[]): Partial<MeshFacts> => ({
  services: [],
  serviceEntries: [
    serviceEntry({
      ...{ hosts: ['reviews.shop'], location: 'MESH_INTERNAL', resolution: 'STATIC' },
      ports: [{ number: 80, name: 'tcp', protocol: 'TCP', targetPort: port }],
      ...{ workloadSelector: { labels: { app: 'reviews' } }, subjectAltNames },
    }),
  ],
});

const named = (subjectAltNames: readonly string[]): Partial<MeshFacts> => ({
  destinationRules: [
    destinationRule({ trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL', subjectAltNames } } }),
  ],
});

describe.each(['hbone', 'istio-mtls'] as const)('by %s', (transport) => {
  it.each([NEXT, OLD_NEXT])(
    'a server that is a name of the ServiceEntry is taken: %s',
    async (id) => {
      await using pair = await pairAs(id, transport);
      know(pair, entry(pair.inbound.port, [NEXT]));
      expect(await called(pair)).toBe('served');
    },
  );

  it('a server that is neither the workload nor a name of the ServiceEntry is not', async () => {
    await using pair = await pairAs('spiffe://cluster.local/ns/shop/sa/other', transport);
    know(pair, entry(pair.inbound.port, [NEXT]));
    expect(await called(pair)).toEqual([
      ...[SERVER_ID, 'spiffe://old.example/ns/shop/sa/reviews'],
      ...[NEXT, OLD_NEXT],
    ]);
  });

  it('names of the DestinationRule count in place of the workload', async () => {
    await using taken = await pairAs(NEXT, transport);
    know(taken, named([NEXT]));
    expect(await called(taken)).toBe('served');
    await using refused = await pairAs(SERVER_ID, transport);
    know(refused, named([NEXT]));
    expect(await called(refused)).toEqual([NEXT]);
  });

  it('a caller is taken under an alias of the trust domain, and under no other', async () => {
    const authority = testAuthority();
    const clientIdentity = authority.identity(OLD_CLIENT);
    await using pair = await startPair({
      ...{ authority, clientIdentity, transport, settings: aliased },
    });
    expect(await ask(await dial(pair.outbound), 'hello')).toBe('hello');
    expect(pair.server.events.opened).toMatchObject([{ peerId: OLD_CLIENT }]);
    await using without = await startPair({ authority, clientIdentity, transport });
    expect((await readToEnd(connect(without.outbound))).how).toBe('reset');
    expect(without.server.events.handshakes).toMatchObject([
      { presentedId: OLD_CLIENT, reason: expect.stringMatching(/old\.example.*no bundle/) },
    ]);
  });
});
