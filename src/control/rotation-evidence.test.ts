import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { memoryAuthorityStore } from '../../test/kit/memory-authority-store.ts';
import {
  type CertificateAuthority,
  openCertificateAuthority,
} from '../ca/certificate-authority.ts';
import { istioIssuanceRules } from '../ca/issuance-rules.ts';
import { nextStep } from '../ca/rotation-step.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import type { AgentProgress } from './distribution.ts';
import {
  CLIENT_PATIENCE_COMPROMISED_MS,
  CLIENT_PATIENCE_MS,
  rotationEvidence,
} from './rotation-evidence.ts';
import { ServedClients } from './served-clients.ts';
import { TRUST_BUNDLE_TYPE } from './trust-bundle-resource.ts';

const trustDomain = TrustDomain.parse('cluster.local');
const id = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/reviews');
const envoy = { name: 'web-envoy', lacks: 'has not acknowledged ROOTCA yet' };
const VERSION = 7;

let clock: ManualClock;
let authority: CertificateAuthority;
let served: ServedClients;
let acknowledged: number;
const link = {};

beforeEach(async () => {
  clock = new ManualClock();
  served = new ServedClients(clock);
  acknowledged = VERSION;
  authority = await openCertificateAuthority({
    ...{ trustDomain, store: memoryAuthorityStore(), rules: istioIssuanceRules, clock },
  });
});

function agents(): readonly AgentProgress[] {
  const viewer = { id, namespace: 'shop', serviceAccount: 'reviews', link };
  const signer = authority.intermediate.serial;
  const node = { id: 'shop/reviews-1', cluster: '', metadata: { NAME: 'reviews-1' } };
  return [
    {
      agent: { connection: 1, viewer: { ...viewer, signer }, node, sinceMs: 0 } as never,
      types: [{ typeUrl: TRUST_BUNDLE_TYPE, acknowledged, rejected: undefined }],
    },
  ];
}

function evidence() {
  return rotationEvidence(
    {
      ...{ authority, served, clock, ownId: 'spiffe://cluster.local/ns/istio-system/sa/hauberk' },
      distribution: { agents: agents(), version: VERSION },
      ledger: { outdated: () => [] },
      revocations: { get: () => undefined },
      store: {
        list: async () => ({ items: [], resourceVersion: '1', continue: undefined }) as never,
      },
    },
    VERSION,
  );
}

async function step(): Promise<string> {
  const decided = nextStep(authority.slots.current, await evidence());
  return decided.step === 'wait' ? `wait for ${decided.for.map(({ name }) => name)}` : decided.step;
}

function prepare(compromised: boolean): Promise<void> {
  const order = { role: 'root', compromised, renewWithinMs: 1_000, waived: [] } as const;
  return authority.rotation.prepare(order);
}

describe('a program behind an agent', () => {
  it.each([
    [false, CLIENT_PATIENCE_MS],
    [true, CLIENT_PATIENCE_COMPROMISED_MS],
  ])('is waited for, and not for ever (compromised: %s)', async (compromised, patienceMs) => {
    await prepare(compromised);
    served.report(link, [envoy]);
    expect(await step()).toBe('wait for shop/reviews-1/web-envoy');
    await clock.advance(patienceMs - 1);
    served.report(link, [envoy]);
    expect(await step()).toBe('wait for shop/reviews-1/web-envoy');
    await clock.advance(1);
    expect(await step()).toBe('activate');
    expect((await evidence()).agents).toMatchObject([{ lagging: [{ givenUp: true }] }]);
  });

  it('is given its time in each phase, however long it lagged before', async () => {
    served.report(link, [envoy]);
    await clock.advance(10 * CLIENT_PATIENCE_MS);
    await prepare(false);
    expect(await step()).toBe('wait for shop/reviews-1/web-envoy');
    await authority.rotation.amend({ waive: ['shop/reviews-1/web-envoy'], compromised: false });
    expect(await step()).toBe('activate');
  });

  it('is not waited for when its agent is waived', async () => {
    await prepare(false);
    served.report(link, [envoy]);
    await authority.rotation.amend({ waive: ['shop/reviews-1'], compromised: false });
    expect(await step()).toBe('activate');
  });

  it('keeps the old key trusted while it has not the new certificate', async () => {
    await prepare(false);
    await authority.rotation.activate();
    served.report(link, [envoy]);
    expect(await step()).toBe('wait for shop/reviews-1/web-envoy');
    served.report(link, []);
    expect(await step()).toBe('retire');
  });
});

it('an agent that came back with its new certificate is waited for until it said how those behind it are', async () => {
  await prepare(false);
  await authority.rotation.activate();
  acknowledged = 0;
  expect(await step()).toBe('wait for shop/reviews-1');
  acknowledged = VERSION;
  expect(await step()).toBe('retire');
});
