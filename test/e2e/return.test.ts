import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { keepTicketCall } from '../../src/agent/keep-return-ticket.ts';
import { callAdmin } from '../../src/app/admin-client.ts';
import { runSidecar } from '../../src/app/sidecar.ts';
import { readStatus } from '../../src/app/sidecar-socket.ts';
import { ticketHash } from '../../src/attestation/return-ticket.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { enrolled } from '../kit/enrolled.ts';
import { eventually } from '../kit/eventually.ts';

const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';
const nowhere = { host: '127.0.0.1', port: 0 };
let plane: ControlPlaneRig;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
});
afterAll(() => plane.close());

function stateDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hauberk-return-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const ticketIn = (stateDir: string): string => join(stateDir, 'return-ticket.json');

interface Run {
  readonly serial: string;
  stop(): Promise<void>;
}

/** A sidecar in this process, at work. Rejects with what it ended with, if it ended before. */
async function sidecar(
  stateDir: string,
  token: string | undefined,
  on: ControlPlaneRig = plane,
): Promise<Run> {
  const aborting = new AbortController();
  const ownUid = process.getuid?.() ?? 0;
  const running = runSidecar(
    {
      ...{ stateDir, token, name: 'reviews-1', inbound: [], outbound: [], hbone: nowhere },
      controlPlane: { host: '127.0.0.1', port: on.xdsPort },
      spiffeSocket: { path: join(stateDir, 'spiffe.sock'), allowedUids: [ownUid], ownUid },
      advertise: { host: '127.0.0.1', hbonePort: undefined },
      ...{ drainTimeoutMs: 0, rootNamespace: 'istio-system', accessLog: 'refused' },
    },
    aborting.signal,
  );
  const ready = async (): Promise<Run> => {
    for (;;) {
      const status = await readStatus(stateDir).catch(() => undefined);
      if (status !== undefined) {
        return {
          serial: status.identity.serial,
          async stop() {
            aborting.abort();
            await running;
          },
        };
      }
      await delay(20);
    }
  };
  const ended = running.then(() => Promise.reject(new Error('the sidecar ended')));
  ended.catch(() => undefined);
  return Promise.race([ready(), ended]);
}

async function ranOnce(stateDir: string, token: string): Promise<string> {
  const first = await sidecar(stateDir, token);
  await eventually('a return ticket', () => existsSync(ticketIn(stateDir)), 20_000);
  await first.stop();
  return first.serial;
}

const issuedLast = () =>
  plane
    .audit()
    .findLast(({ event, outcome }) => event === 'certificate.issue' && outcome === 'success');

describe('a sidecar whose memory is gone', () => {
  it('comes back by itself, again and again, although its token is spent', async () => {
    const stateDir = stateDirectory();
    const token = await plane.createToken('shop', 'reviews');
    let serial = await ranOnce(stateDir, token);
    expect(statSync(ticketIn(stateDir)).mode & 0o777).toBe(0o600);
    for (const given of [token, undefined]) {
      const before = JSON.parse(readFileSync(ticketIn(stateDir), 'utf8')).secrets;
      const back = await sidecar(stateDir, given);
      expect(back.serial).not.toBe(serial);
      expect(issuedLast()).toMatchObject({ id: REVIEWS, by: 'return-ticket', serial: back.serial });
      expect(JSON.parse(readFileSync(ticketIn(stateDir), 'utf8')).secrets).not.toEqual(before);
      serial = back.serial;
      await back.stop();
    }
  });

  it('takes another identity when it is given a new token', async () => {
    const stateDir = stateDirectory();
    await ranOnce(stateDir, await plane.createToken('shop', 'reviews'));
    const other = await sidecar(stateDir, await plane.createToken('shop', 'products'));
    expect(issuedLast()).toMatchObject({ by: 'enrolment-token', serial: other.serial });
    await other.stop();
  });

  it('is stopped, and the copy too, when its ticket was copied and used by both', async () => {
    const stateDir = stateDirectory();
    const token = await plane.createToken('shop', 'reviews');
    await ranOnce(stateDir, token);
    const copy = join(stateDir, 'copy');
    copyFileSync(ticketIn(stateDir), copy);
    const thief = await sidecar(stateDir, undefined);
    await thief.stop();
    copyFileSync(copy, ticketIn(stateDir));
    await expect(sidecar(stateDir, undefined)).rejects.toThrow(/used before: somebody has a copy/);
    const events = plane.audit().map(({ event }) => event);
    expect(events).toContain('return-ticket.reuse');
    expect(plane.audit()).toContainEqual(
      expect.objectContaining({ event: 'certificate.revoke', serial: thief.serial }),
    );
    await expect(sidecar(stateDir, undefined)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });

  it('does not come back after its identity was revoked', async () => {
    const stateDir = stateDirectory();
    const token = await plane.createToken('shop', 'products');
    await ranOnce(stateDir, token);
    const identity = 'spiffe://cluster.local/ns/shop/sa/products';
    const call = { method: 'POST', path: '/v1/certificates/revoke', body: { identity } } as const;
    await callAdmin(plane.dataDir, call);
    await expect(sidecar(stateDir, token)).rejects.toThrow(/was used at .*, it works once/);
  });

  it('needs a new token where the operator wants no tickets', async () => {
    const strict = await controlPlaneRig({ reenrolGraceMs: 0 });
    onTestFinished(() => strict.close());
    await strict.apply(SHOP);
    const stateDir = stateDirectory();
    const token = await strict.createToken('shop', 'reviews');
    const first = await sidecar(stateDir, token, strict);
    await first.stop();
    expect(existsSync(ticketIn(stateDir))).toBe(false);
    await expect(sidecar(stateDir, token, strict)).rejects.toMatchObject({
      code: 'ERR_UNAUTHENTICATED',
    });
  });
});

describe('a certificate that has expired while its owner still has the key', () => {
  it('is good for a new one within the grace, and for nothing else', async () => {
    const brief = await controlPlaneRig({ svidLifetimeMs: 2_000 });
    onTestFinished(() => brief.close());
    await brief.apply(SHOP);
    const [covered, bare] = [await enrolled(brief, 'reviews'), await enrolled(brief, 'products')];
    const link = {
      address: { host: '127.0.0.1', port: brief.xdsPort },
      rootNamespace: 'istio-system',
    };
    const keep = keepTicketCall(link);
    const request = { ticketId: '', secretSha256: ticketHash('x'), place: ticketHash('here') };
    await keep(covered.identity, request);
    await delay(2_100);
    await expect(keep(covered.identity, request)).rejects.toMatchObject({
      code: 'ERR_UNAUTHENTICATED',
    });
    await expect(bare.renew()).rejects.toThrow(/expired .* ago, and its owner may not come back/);
    const again = await covered.renew();
    expect(again.serial).not.toBe(covered.serial);
    expect(brief.audit().at(-1)).toMatchObject({ by: 'expired-svid', serial: again.serial });
  });
});
