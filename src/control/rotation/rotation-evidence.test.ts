import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { memoryAuthorityStore } from '../../../test/kit/memory-authority-store.ts';
import {
  type CertificateAuthority,
  openCertificateAuthority,
} from '../../ca/certificate-authority.ts';
import { istioIssuanceRules } from '../../ca/issuance-rules.ts';
import { nextStep } from '../../ca/rotation-step.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import { memoryStore } from '../../store/memory-store.ts';
import type { Store } from '../../store/store.ts';
import { TRUST_BUNDLE_TYPE } from '../bundles/trust-bundle-resource.ts';
import type { AgentProgress } from '../distribution/distribution.ts';
import type { HeldCertificates } from '../issuance/issuance-ledger.ts';
import { ServedClients } from '../workloads/served-clients.ts';
import {
  CLIENT_PATIENCE_COMPROMISED_MS,
  CLIENT_PATIENCE_MS,
  rotationEvidence,
} from './rotation-evidence.ts';

const trustDomain = TrustDomain.parse('cluster.local');
const id = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/reviews');
const envoy = { name: 'web-envoy', lacks: 'has not acknowledged ROOTCA yet' };
const VERSION = 7;

let clock: ManualClock;
let authority: CertificateAuthority;
let served: ServedClients;
let acknowledged: number;
let store: Store;
let certificates: readonly HeldCertificates[];
const link = {};

beforeEach(async () => {
  clock = new ManualClock();
  served = new ServedClients(clock);
  acknowledged = VERSION;
  certificates = [];
  store = memoryStore({ clock });
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

function evidence(bundleHintMs?: number) {
  return rotationEvidence(
    {
      bundleHintMs,
      ...{ authority, served, clock, ownId: 'spiffe://cluster.local/ns/istio-system/sa/hauberk' },
      distribution: { agents: agents(), version: VERSION },
      ledger: { held: () => certificates },
      revocations: { list: () => [] },
      store,
    },
    VERSION,
  );
}

async function step(bundleHintMs?: number): Promise<string> {
  const decided = nextStep(authority.slots.current, await evidence(bundleHintMs));
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

describe('a certificate that was given to an agent', () => {
  const ratings = 'spiffe://cluster.local/ns/shop/sa/ratings';
  const given = (agent: string): HeldCertificates => ({
    ...{ id: ratings, untilMs: 1e13, attestor: `agent ${agent}` },
  });

  beforeEach(() => register('reviews', 'away'));

  async function register(...accounts: readonly string[]): Promise<void> {
    const object = {
      apiVersion: 'security.hauberk.dev/v1alpha1',
      kind: 'WorkloadRegistration',
      metadata: { name: 'ratings', namespace: 'shop' },
      spec: {
        ...{ serviceAccount: 'ratings', selectors: ['unix:uid:1'] },
        agents: accounts.map((serviceAccount) => ({ serviceAccount })),
      },
    };
    await store.commit([{ op: 'put', resource: object }]);
  }

  it('is the agent’s to know of: nobody else is waited for before a root is activated', async () => {
    certificates = [given(id.toString())];
    await prepare(false);
    expect(await step()).toBe('activate');
    acknowledged = 0;
    expect(await step()).toBe('wait for shop/reviews-1');
  });

  it('of an agent that is away is waited for under the agent’s name', async () => {
    certificates = [given('spiffe://cluster.local/ns/shop/sa/away')];
    await prepare(false);
    expect(await step()).toBe('wait for spiffe://cluster.local/ns/shop/sa/away');
  });

  it('keeps the old key trusted until it is replaced', async () => {
    certificates = [given(id.toString())];
    await prepare(false);
    await authority.rotation.activate();
    expect(await step()).toBe(`wait for ${ratings}`);
    expect((await evidence()).outdated).toMatchObject([
      { id: ratings, behind: 'shop/reviews-1', presence: 'connected' },
    ]);
    certificates = [];
    expect(await step()).toBe('retire');
  });
});

describe('other trust domains', () => {
  it('are given three of their intervals to fetch a new root', async () => {
    await prepare(false);
    expect(await step(60_000)).toBe('wait for federation');
    await clock.advance(179_999);
    expect(await step(60_000)).toBe('wait for federation');
    await clock.advance(1);
    expect(await step(60_000)).toBe('activate');
  });

  it('are not waited for after a compromise, for an intermediate, when waived, or where there are none', async () => {
    await prepare(false);
    expect(await step()).toBe('activate');
    await authority.rotation.amend({ waive: ['federation'], compromised: false });
    expect(await step(60_000)).toBe('activate');
    await authority.rotation.abort();
    await prepare(true);
    expect(await step(60_000)).toBe('activate');
    await authority.rotation.activate();
    await authority.rotation.retire();
    const order = { compromised: false, renewWithinMs: 1_000, waived: [] } as const;
    await authority.rotation.prepare({ ...order, role: 'intermediate' });
    expect(await step(60_000)).toBe('activate');
  });
});

it('what an agent was given by a registration that has gone is nobody’s any more', async () => {
  certificates = [
    {
      ...{ id: 'spiffe://cluster.local/ns/shop/sa/ratings', untilMs: 1e13 },
      attestor: `agent ${id}`,
    },
  ];
  await prepare(false);
  await authority.rotation.activate();
  expect(await step()).toBe('retire');
});

it('an agent that came back with its new certificate is waited for until it said how those behind it are', async () => {
  await prepare(false);
  await authority.rotation.activate();
  acknowledged = 0;
  expect(await step()).toBe('wait for shop/reviews-1');
  acknowledged = VERSION;
  expect(await step()).toBe('retire');
});
