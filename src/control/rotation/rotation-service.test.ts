import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { memoryAuthorityStore } from '../../../test/kit/memory-authority-store.ts';
import {
  type CertificateAuthority,
  openCertificateAuthority,
} from '../../ca/certificate-authority.ts';
import { istioIssuanceRules } from '../../ca/issuance-rules.ts';
import type { Awaited } from '../../ca/rotation-step.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import { memoryStore } from '../../store/memory-store.ts';
import { bundlePublisher } from '../bundles/bundle-publisher.ts';
import type { AuthorityRotated } from '../control-events.ts';
import type { RotationFindings } from './rotation-evidence.ts';
import { RotationService } from './rotation-service.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const trustDomain = TrustDomain.parse('cluster.local');
const order = { role: 'root', compromised: false, renewWithinMs: 60_000, waived: [] } as const;
const reviews: Awaited = {
  ...{ name: 'shop/reviews-1', id: 'spiffe://cluster.local/ns/shop/sa/reviews' },
  ...{ presence: 'connected', lacks: 'has not acknowledged the bundle yet' },
};

let clock: ManualClock;
let kept: ReturnType<typeof memoryAuthorityStore>;
let authority: CertificateAuthority;
let service: RotationService;
let findings: RotationFindings;
let steps: string[];
let revoked: string[];
let writtenOff: string[];
let failures: string[];
let stopping: AbortController;

beforeEach(async () => {
  clock = new ManualClock();
  kept = memoryAuthorityStore();
  findings = { agents: [], unaware: [], outdated: [] };
  [steps, revoked, writtenOff, failures] = [[], [], [], []];
  await restart();
});

async function restart(): Promise<void> {
  stopping?.abort();
  authority = await openCertificateAuthority({
    ...{ trustDomain, store: kept, rules: istioIssuanceRules, clock },
  });
  const events = {
    authorityRotated: ({ step, role, actor, client }: AuthorityRotated) =>
      void steps.push(`${step} ${client ?? role} by ${actor}`),
    taskFailed: ({ reason }: { reason: string }) => void failures.push(reason),
  };
  service = new RotationService({
    ...{ authority, clock, events },
    publisher: bundlePublisher({
      ...{ store: memoryStore({ clock }), bundle: authority.bundle, clock, events },
    }),
    lists: { publish: async () => 0 },
    evidence: async () => findings,
    revocations: {
      async revoke({ certificates }) {
        revoked.push(...certificates.map(({ serial }) => serial));
        return [];
      },
    },
    ledger: { writeOff: (signer) => void writtenOff.push(signer) },
  });
  stopping = new AbortController();
  void service.run(stopping.signal);
  await clock.advance(0);
}

const phase = (): string => authority.slots.current.rotation.phase;

it('says how old the keys are from when they were made, not from when their certificates begin', async () => {
  await clock.advance(90_000);
  const { slots } = await service.status();
  expect(slots).toMatchObject([{ root: { ageSeconds: 90 }, intermediate: { ageSeconds: 90 } }]);
});

describe('a program behind an agent that was waited for long enough', () => {
  it('is on record once in each phase, and not while it is still waited for', async () => {
    const lagging = { name: 'envoy', lacks: 'has not taken the roots', forSeconds: 1 };
    const agent = { name: 'shop/reviews-1', id: reviews.id, signer: '', acknowledged: true };
    const withEnvoy = (givenUp: boolean): RotationFindings => ({
      agents: [{ ...agent, rejected: undefined, lagging: [{ ...lagging, givenUp }] }],
      unaware: [reviews],
      outdated: [reviews],
    });
    findings = withEnvoy(false);
    await service.order(order, 'admin');
    await clock.advance(HOUR_MS);
    expect(steps).toEqual(['prepare root by admin']);
    findings = withEnvoy(true);
    await clock.advance(HOUR_MS);
    const gaveUp = 'give-up shop/reviews-1/envoy by control-plane';
    expect(steps).toEqual(['prepare root by admin', gaveUp]);
    findings = { ...findings, unaware: [] };
    await clock.advance(HOUR_MS);
    expect(steps.slice(2)).toEqual(['activate root by control-plane', gaveUp]);
  });
});

describe('a rotation', () => {
  it('goes on by itself when nobody stands in its way, a step an audit event', async () => {
    const old = authority.slots.current.current;
    await service.order(order, 'admin');
    await clock.advance(1);
    expect(steps).toEqual([
      'prepare root by admin',
      'activate root by control-plane',
      'retire root by control-plane',
    ]);
    expect(authority.bundle.current.x509Authorities).not.toContain(old.root);
    expect(revoked).toEqual([]);
    expect(writtenOff).toEqual([authority.intermediate.serial]);
  });

  it('waits for an acknowledgement, says whose, and goes on when it is waived', async () => {
    findings = { ...findings, unaware: [reviews] };
    await service.order(order, 'admin');
    await clock.advance(HOUR_MS);
    expect(phase()).toBe('distributing');
    expect((await service.status()).rotation).toMatchObject({ waitsFor: [reviews] });
    await service.order({ ...order, waived: [reviews.name] }, 'admin');
    await clock.advance(1);
    expect(phase()).toBe('steady');
    expect(steps).toContain('amend root by admin');
  });

  it('keeps the old root as long as a leaf of it lives', async () => {
    findings = { ...findings, outdated: [reviews] };
    await service.order(order, 'admin');
    await clock.advance(HOUR_MS);
    expect(phase()).toBe('retiring');
    expect(authority.bundle.current.x509Authorities).toHaveLength(2);
    findings = { ...findings, outdated: [] };
    await clock.advance(10_000);
    expect(phase()).toBe('steady');
    expect(authority.bundle.current.x509Authorities).toHaveLength(1);
  });

  it.each(['distributing', 'retiring'])('resumes %s after a crash', async (where) => {
    findings =
      where === 'distributing'
        ? { ...findings, unaware: [reviews] }
        : { ...findings, outdated: [reviews] };
    await service.order(order, 'admin');
    await clock.advance(1_000);
    const before = authority.bundle.current.x509Authorities.map(({ serial }) => serial);
    await restart();
    await clock.advance(1_000);
    expect(phase()).toBe(where);
    const after = authority.bundle.current.x509Authorities.map(({ serial }) => serial);
    expect(after).toEqual(before);
    findings = { ...findings, unaware: [], outdated: [] };
    await clock.advance(10_000);
    expect(phase()).toBe('steady');
  });

  it('of a compromised root revokes the old keys before it forgets them', async () => {
    const { root, signer } = authority.slots.current.current;
    findings = { ...findings, unaware: [{ ...reviews, presence: 'lost' }] };
    await service.order({ ...order, compromised: true }, 'admin');
    await clock.advance(1);
    expect(phase()).toBe('steady');
    expect(revoked).toEqual([signer.serial, root.serial]);
  });

  it('can be found to be one of a compromised key while it is under way', async () => {
    const { signer } = authority.slots.current.current;
    const lost: Awaited = { ...reviews, presence: 'lost' };
    findings = { ...findings, outdated: [lost] };
    await service.order({ ...order, role: 'intermediate' }, 'admin');
    await clock.advance(HOUR_MS);
    expect(phase()).toBe('retiring');
    await service.order({ ...order, role: 'intermediate', compromised: true }, 'admin');
    await clock.advance(1);
    expect(phase()).toBe('steady');
    expect(revoked).toEqual([signer.serial]);
  });

  it('of a compromised root is not mistaken for the intermediate that is under way', async () => {
    findings = { ...findings, outdated: [reviews] };
    await service.order({ ...order, role: 'intermediate' }, 'admin');
    const compromised = service.order({ ...order, compromised: true }, 'admin');
    await expect(compromised).rejects.toThrow(/rotation of the intermediate is under way/);
  });

  it('is given up before the new key signs, and not after', async () => {
    const { current } = authority.slots.current;
    findings = { ...findings, unaware: [reviews] };
    await service.order(order, 'admin');
    await clock.advance(1_000);
    await service.abort('admin');
    expect(authority.slots.current).toEqual({ current, rotation: { phase: 'steady' } });
    expect(authority.bundle.current.x509Authorities).toHaveLength(1);
    expect(steps).toEqual(['prepare root by admin', 'abort root by admin']);
    findings = { ...findings, unaware: [], outdated: [reviews] };
    await service.order(order, 'admin');
    await clock.advance(1_000);
    await expect(service.abort('admin')).rejects.toThrow(/too late to abort/);
    expect(phase()).toBe('retiring');
  });

  it('is refused while another is under way', async () => {
    findings = { ...findings, outdated: [reviews] };
    await service.order(order, 'admin');
    await expect(service.order(order, 'admin')).rejects.toMatchObject({ code: 'ERR_CONFLICT' });
  });
});

/** As if the control plane had been off for so long; with it on, each hour would be a step here. */
async function later(ms: number): Promise<void> {
  stopping.abort();
  await clock.advance(ms);
  await restart();
}

describe('by its age', () => {
  it('an intermediate is replaced at half of its life, and the root before it ends', async () => {
    await later(182 * DAY_MS);
    expect(steps).toEqual([]);
    await later(2 * DAY_MS);
    const what = steps.map((step) => step.split(' ').slice(0, 2).join(' '));
    expect(what).toEqual(['prepare intermediate', 'activate intermediate', 'retire intermediate']);
    const [root] = authority.bundle.current.x509Authorities;
    await later(2_920 * DAY_MS);
    expect(authority.bundle.current.x509Authorities[0]?.serial).not.toBe(root?.serial);
    expect(failures).toEqual([]);
  });

  it('does not begin again in the moment in which it was given up', async () => {
    await later(182 * DAY_MS + 43_000_000);
    findings = { ...findings, unaware: [reviews] };
    await clock.advance(3_600_000);
    expect(phase()).toBe('distributing');
    await service.abort('admin');
    await clock.advance(3_599_000);
    expect(phase()).toBe('steady');
    await clock.advance(3_600_000);
    expect(phase()).toBe('distributing');
  });

  it('begins again within two hours of that although the wall clock was set back', async () => {
    await later(182 * DAY_MS + 43_000_000);
    findings = { ...findings, unaware: [reviews] };
    await clock.advance(3_600_000);
    clock.setBy(DAY_MS);
    await service.abort('admin');
    expect(phase()).toBe('steady');
    clock.setBy(-DAY_MS / 2);
    await clock.advance(7_200_000);
    expect(phase()).toBe('distributing');
  });

  it('is looked at every hour', async () => {
    await later(182 * DAY_MS + 43_000_000);
    expect(steps).toEqual([]);
    await clock.advance(3_600_000);
    expect(steps).toHaveLength(3);
  });

  it('what cannot be stored is tried again', async () => {
    const { save } = kept;
    kept.save = async () => {
      throw new Error('the disk is full');
    };
    await later(184 * DAY_MS);
    expect(failures[0]).toBe('the disk is full');
    kept.save = save;
    await clock.advance(10_000);
    expect(phase()).toBe('steady');
    expect(steps).toHaveLength(3);
  });
});
