import { create } from '@bufbuild/protobuf';
import { createContextValues, type HandlerContext } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { DeltaDiscoveryRequestSchema } from '../../gen/envoy/service/discovery/v3/discovery_pb.js';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { memoryStore } from '../../store/memory-store.ts';
import { peerEvidenceKey } from '../issuance/peer-evidence.ts';
import { RevokedCallers } from '../revocation/revoked-callers.ts';
import { discoveryService } from './discovery-service.ts';
import { Distribution } from './distribution.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/reviews';
/** Shorter than the control plane waits for an acknowledgement. */
const LIFETIME_MS = 50_000;

it('ends a stream when the certificate that it began with expires, and notes that it was shown', async () => {
  const clock = new ManualClock();
  const { chain } = testAuthority({ nowMs: clock.now() }).issue(ID, {
    notAfterMs: clock.now() + LIFETIME_MS,
  });
  const distribution = new Distribution({
    ...{ store: memoryStore({ clock }), rootNamespace: 'istio-system', clock },
  });
  const stopping = new AbortController();
  const running = distribution.run(stopping.signal);
  const shown: string[] = [];
  const service = discoveryService({
    distribution,
    attestor: {
      name: 'test',
      attest: async () => ({ id: SpiffeId.parse(ID), by: 'test', confirm: async () => undefined }),
    },
    revocations: { callers: new RevokedCallers() },
    ledger: { shown: (serial) => void shown.push(serial) },
    clock,
    signal: stopping.signal,
  });
  async function* requests() {
    yield create(DeltaDiscoveryRequestSchema, { typeUrl: 'core/v1/Service', node: { id: 'a' } });
    await new Promise(() => undefined);
  }
  const context = {
    values: createContextValues().set(peerEvidenceKey, { chain, address: '10.0.0.7:4711' }),
    signal: stopping.signal,
  } as HandlerContext;
  let ended = false;
  const reading = (async () => {
    for await (const _ of service.deltaAggregatedResources?.(requests(), context) ?? []);
    ended = true;
  })();
  await clock.advance(LIFETIME_MS - 1);
  expect(distribution.agents.map(({ agent }) => agent.viewer.signer)).toEqual([chain[1]?.serial]);
  expect(ended).toBe(false);
  expect(shown).toEqual([chain[0]?.serial]);
  await clock.advance(1);
  await reading;
  expect(distribution.agents).toEqual([]);
  stopping.abort();
  await clock.advance(1);
  await running;
});
