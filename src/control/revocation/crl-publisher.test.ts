import { expect, it } from 'vitest';
import { givenCrl } from '../../../test/kit/given-crl.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { memoryAuthorityStore } from '../../../test/kit/memory-authority-store.ts';
import { ownCa } from '../../../test/kit/plugged-in-ca.ts';
import {
  type CertificateAuthority,
  openCertificateAuthority,
} from '../../ca/certificate-authority.ts';
import { istioIssuanceRules } from '../../ca/issuance-rules.ts';
import type { CertificateRevocationList } from '../../resources/kinds/certificate-revocation-list.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import { memoryStore } from '../../store/memory-store.ts';
import { fingerprint } from '../../x509/certificate.ts';
import { isCrlSignedBy, parseCrl } from '../../x509/crl.ts';
import { crlPublisher } from './crl-publisher.ts';
import { Revocations } from './revocations.ts';

const KIND = 'CertificateRevocationList.security.hauberk.dev';
const DAY_MS = 86_400_000;

async function setUp(
  given: () => ReturnType<CertificateAuthority['givenCrls']> = () => ({ crls: [], gap: undefined }),
) {
  const clock = new ManualClock();
  const store = memoryStore({ clock });
  const told: string[] = [];
  const events = {
    certificateRevoked: () => undefined,
    taskFailed: ({ reason }: { readonly reason: string }) => told.push(reason),
  };
  const revocations = await Revocations.load({ store, clock, events });
  const authority = await openCertificateAuthority({
    ...{ trustDomain: TrustDomain.parse('cluster.local'), store: memoryAuthorityStore() },
    ...{ rules: istioIssuanceRules, clock },
  });
  const publisher = crlPublisher({
    store,
    authority: { slots: authority.slots, issueCrls: authority.issueCrls, givenCrls: given },
    revocations,
    clock,
    events,
  });
  const lists = async () => {
    const { items } = await store.list(KIND);
    return new Map(
      (items as readonly CertificateRevocationList[]).map(({ metadata, spec }) => [
        metadata.name,
        parseCrl(Buffer.from(spec.list, 'base64')),
      ]),
    );
  };
  const revoke = (serial: string) => {
    const { serial: issuerSerial } = authority.intermediate;
    const record = {
      ...{ serial, issuerSerial, id: 'spiffe://cluster.local/ns/a/sa/b' },
      ...{ notBeforeMs: 0, issuedAtMs: 0, notAfterMs: clock.now() + DAY_MS },
      ...{ attestor: 'test', peerAddress: '' },
    };
    const order = { identity: undefined, reason: 'keyCompromise', actor: 'test' } as const;
    return revocations.revoke({ ...order, certificates: [record] });
  };
  return { clock, store, authority, publisher, lists, revoke, revocations, told };
}

it('publishes a signed list for the intermediate and for the root', async () => {
  const { authority, publisher, lists, revoke } = await setUp();
  await revoke('4f01');
  await publisher.publish();
  const [root] = authority.bundle.current.x509Authorities;
  const found = await lists();
  expect(new Set(found.keys())).toEqual(new Set([authority.intermediate.serial, root?.serial]));
  const ofIntermediate = found.get(authority.intermediate.serial);
  const ofRoot = found.get(root?.serial ?? '');
  if (ofIntermediate === undefined || ofRoot === undefined || root === undefined) {
    throw new Error('a list is missing');
  }
  expect(ofIntermediate.entries).toMatchObject([{ serial: '4f01', reason: 'keyCompromise' }]);
  expect(ofRoot.entries).toEqual([]);
  expect(isCrlSignedBy(ofIntermediate, authority.intermediate.publicKey)).toBe(true);
  expect(isCrlSignedBy(ofRoot, root.publicKey)).toBe(true);
});

it('writes nothing while nothing changes, and afresh when half of the time is over', async () => {
  const { clock, store, publisher } = await setUp();
  await publisher.publish();
  const { version } = store;
  await clock.advance(40 * DAY_MS);
  await publisher.publish();
  expect(store.version).toBe(version);
  await clock.advance(10 * DAY_MS);
  await publisher.publish();
  expect(store.version).toBeGreaterThan(version);
});

it('publishes a revocation when it happens, and drops it when it is forgotten', async () => {
  const { clock, authority, publisher, lists, revoke, revocations } = await setUp();
  const controller = new AbortController();
  const running = publisher.run(controller.signal);
  await clock.advance(1);
  const entries = async () => (await lists()).get(authority.intermediate.serial)?.entries.length;
  expect(await entries()).toBe(0);
  await revoke('4f02');
  await clock.advance(1);
  expect(await entries()).toBe(1);
  await clock.advance(2 * DAY_MS);
  await revocations.dropExpired();
  await clock.advance(1);
  expect(await entries()).toBe(0);
  controller.abort();
  await clock.advance(1);
  await running;
});

it('keeps the list of an authority that is gone until it ends', async () => {
  const { clock, authority, publisher, lists } = await setUp();
  await publisher.publish();
  const before = authority.intermediate.serial;
  await clock.advance(200 * DAY_MS);
  await publisher.publish();
  const order = { role: 'intermediate', compromised: false, renewWithinMs: 0, waived: [] } as const;
  await authority.rotation.prepare(order);
  await authority.rotation.activate();
  await authority.rotation.retire();
  await publisher.publish();
  expect((await lists()).has(before)).toBe(true);
  await clock.advance(100 * DAY_MS);
  await publisher.publish();
  expect((await lists()).has(before)).toBe(false);
  expect((await lists()).has(authority.intermediate.serial)).toBe(true);
});

it('publishes what a plug-in CA brought, whatever its serial, and lets go of it at once', async () => {
  const nowMs = Date.UTC(2026, 0, 1);
  const root = ownCa({ name: 'their root', nowMs });
  const given = { crls: [{ issuer: root.certificate, crl: givenCrl(root, { nowMs }) }] };
  let now: ReturnType<CertificateAuthority['givenCrls']> = { ...given, gap: undefined };
  const { publisher, lists, store, told } = await setUp(() => now);
  await publisher.publish();
  const name = fingerprint(root.certificate).slice(0, 40);
  expect((await lists()).get(name)?.der).toEqual(given.crls[0]?.crl.der);
  expect(
    (await store.list(KIND)).items.find(({ metadata }) => metadata.name === name),
  ).toMatchObject({
    metadata: { annotations: { 'security.hauberk.dev/given-list': 'plug-in CA' } },
  });
  const { version } = store;
  await publisher.publish();
  expect(store.version).toBe(version);

  now = { crls: [], gap: 'one is missing' };
  await publisher.publish();
  await publisher.publish();
  expect((await lists()).size).toBe(2);
  expect((await lists()).has(name)).toBe(false);
  expect(told).toEqual(['one is missing']);
});
