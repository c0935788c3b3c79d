import { createContextValues, type HandlerContext } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { memoryAuthorityStore } from '../../../test/kit/memory-authority-store.ts';
import { openCertificateAuthority } from '../../ca/certificate-authority.ts';
import { istioIssuanceRules } from '../../ca/issuance-rules.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import { memoryStore } from '../../store/memory-store.ts';
import { createCsr } from '../../x509/csr.ts';
import { generateKeyPair } from '../../x509/key-pair.ts';
import { encodePem } from '../../x509/pem.ts';
import { Revocations } from '../revocation/revocations.ts';
import { signingService } from './signing-service.ts';

const id = SpiffeId.parse('spiffe://cluster.local/ns/shop/sa/reviews');

/** A service whose caller is `reviews`, and `meanwhile` happens while its token is spent. */
async function setUp(meanwhile: (revocations: Revocations) => void, full = false) {
  const clock = new ManualClock();
  const events = { certificateRevoked: () => undefined };
  const revocations = await Revocations.load({ store: memoryStore({ clock }), clock, events });
  const recorded: string[] = [];
  const told: string[] = [];
  const service = signingService({
    authority: await openCertificateAuthority({
      ...{ trustDomain: TrustDomain.parse('cluster.local'), store: memoryAuthorityStore() },
      ...{ rules: istioIssuanceRules, clock },
    }),
    attestors: [
      {
        name: 'test',
        attest: async () => ({ id, by: 'test', confirm: async () => meanwhile(revocations) }),
      },
    ],
    serviceAccounts: {
      lifetimeCeilingMs: async () => undefined,
      require: () => Promise.reject(new Error('not asked')),
    },
    store: memoryStore({ clock }),
    ledger: {
      async record({ serial }) {
        if (full) throw new Error('the disk is full');
        recorded.push(serial);
      },
      shown: () => undefined,
      attestorOf: () => undefined,
    },
    events: {
      certificateIssued: ({ serial }) => told.push(serial),
      certificateRefused: ({ reason }) => told.push(reason),
    },
    ...{ revocations, clock },
  });
  const csr = encodePem('CERTIFICATE REQUEST', createCsr(generateKeyPair()));
  const context = { values: createContextValues(), requestHeader: new Headers() };
  const ask = () =>
    service.createCertificate(
      { csr, validityDuration: 0n } as Parameters<typeof service.createCertificate>[0],
      context as HandlerContext,
    );
  return { ask, recorded, told, revocations };
}

it('hands out what it has recorded', async () => {
  const { ask, recorded, told } = await setUp(() => undefined);
  expect(await ask()).toMatchObject({ certChain: { length: 3 } });
  expect(recorded).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
  expect(told).toEqual(recorded);
});

it('hands out nothing that it could not record', async () => {
  const { ask, told } = await setUp(() => undefined, true);
  await expect(ask()).rejects.toThrow('internal error');
  expect(told).toEqual(['the disk is full']);
});

it('hands out nothing to an identity that was revoked while it was signing', async () => {
  const { ask, recorded, told, revocations } = await setUp((present) => {
    const order = { certificates: [], reason: 'keyCompromise', actor: 'test' } as const;
    void present.revoke({ ...order, identity: id.toString() });
  });
  await expect(ask()).rejects.toThrow(/was revoked while its certificate was being signed/);
  expect(recorded).toEqual([]);
  expect(told).toHaveLength(1);
  expect(revocations.callers.size).toBe(0);
});
