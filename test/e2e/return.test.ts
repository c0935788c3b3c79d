import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { keepTicketCall } from '../../src/agent/identity/keep-return-ticket.ts';
import { callAdmin } from '../../src/app/admin-client.ts';
import type { RotationStatus } from '../../src/app/control-plane/authority-rotation.ts';
import { runSidecar } from '../../src/app/sidecar/sidecar.ts';
import { readStatus } from '../../src/app/sidecar/sidecar-socket.ts';
import { ticketHash } from '../../src/attestation/return-ticket.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { enrolled, enrolledWith } from '../kit/enrolled.ts';
import { eventually } from '../kit/eventually.ts';
import { hauberk } from '../kit/hauberk.ts';

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
  name = 'reviews-1',
): Promise<Run> {
  const aborting = new AbortController();
  const ownUid = process.getuid?.() ?? 0;
  const running = runSidecar(
    {
      ...{ stateDir, token, name, inbound: [], outbound: [], hbone: nowhere },
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

async function ranOnce(stateDir: string, token: string, on = plane): Promise<string> {
  const first = await sidecar(stateDir, token, on);
  await eventually('a return ticket', () => existsSync(ticketIn(stateDir)));
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
    // As long as a busy machine may take for two enrolments and a ticket.
    const brief = await controlPlaneRig({ svidLifetimeMs: 5_000 });
    onTestFinished(() => brief.close());
    await brief.apply(SHOP);
    const covered = await enrolled(brief, 'reviews');
    const link = {
      address: { host: '127.0.0.1', port: brief.xdsPort },
      rootNamespace: 'istio-system',
    };
    const keep = keepTicketCall(link);
    const request = { ticketId: '', secretSha256: ticketHash('x'), place: ticketHash('here') };
    await keep(covered.identity, request);
    const bare = await enrolled(brief, 'products');
    await delay(5_100);
    await expect(keep(covered.identity, request)).rejects.toMatchObject({
      code: 'ERR_UNAUTHENTICATED',
    });
    await expect(bare.renew()).rejects.toThrow(/expired .* ago, and its owner may not come back/);
    const again = await covered.renew();
    expect(again.serial).not.toBe(covered.serial);
    expect(brief.audit().at(-1)).toMatchObject({ by: 'expired-svid', serial: again.serial });
  });
});

describe('across a rotation of the root', () => {
  let mesh: ControlPlaneRig;
  let replicas: readonly { readonly run: Run; readonly stateDir: string }[];
  beforeAll(async () => {
    mesh = await controlPlaneRig();
    await mesh.apply(SHOP);
    replicas = await Promise.all(
      ['products-1', 'products-2'].map(async (name) => {
        const stateDir = mkdtempSync(join(tmpdir(), 'hauberk-replica-'));
        const token = await mesh.createToken('shop', 'products');
        return { stateDir, run: await sidecar(stateDir, token, mesh, name) };
      }),
    );
  });
  afterAll(async () => {
    await Promise.all(replicas.map(({ run }) => run.stop()));
    for (const { stateDir } of replicas) rmSync(stateDir, { recursive: true, force: true });
    await mesh.close();
  });

  const rotate = (...args: string[]) =>
    hauberk(['ca', 'rotate', ...args, '--data-dir', mesh.dataDir, '-o', 'json']);

  async function phase(wanted: RotationStatus['rotation']['phase']): Promise<RotationStatus> {
    for (const deadlineMs = Date.now() + 30_000; ; ) {
      const call = { method: 'GET', path: '/v1/ca/status' } as const;
      const status = await callAdmin<RotationStatus>(mesh.dataDir, call);
      if (status.rotation.phase === wanted) return status;
      if (Date.now() > deadlineMs) throw new Error(`not ${wanted}: ${JSON.stringify(status)}`);
      await delay(50);
    }
  }

  const trusts = (stateDir: string, roots: readonly string[]): Promise<void> =>
    expect
      .poll(async () => (await readStatus(stateDir)).identity.roots, { timeout: 20_000 })
      .toEqual(roots);

  it('one that was away comes back, and an old token enrols, until the old root is retired', async () => {
    const [away, gone] = [stateDirectory(), stateDirectory()];
    const tokens = await Promise.all([1, 2, 3].map(() => mesh.createToken('shop', 'reviews')));
    const [unused = '', late = '', third = ''] = tokens;
    for (const stateDir of [away, gone]) {
      await ranOnce(stateDir, await mesh.createToken('shop', 'reviews'), mesh);
    }
    const old = await phase('steady');
    // Long enough that the replicas keep the old root in use.
    await rotate(
      '--root',
      '--renew-within',
      '10h',
      '--waive',
      REVIEWS,
      '--waive',
      'shop/reviews-1',
    );
    const { bundle } = await phase('retiring');
    const back = await sidecar(away, undefined, mesh);
    await trusts(away, bundle.roots);
    expect((await enrolledWith(mesh, unused)).identity.svid.id.toString()).toBe(REVIEWS);

    // The same, declared compromised: what the old key signed for a cross-signature is shown no more.
    await rotate('--compromised');
    const after = await phase('steady');
    expect(after.bundle.roots).toEqual([bundle.roots[0]]);
    expect(after.bundle.roots).not.toEqual(old.bundle.roots);
    await expect(enrolledWith(mesh, late)).rejects.toThrow(/make a new token/);
    await expect(sidecar(gone, third, mesh)).rejects.toThrow(/make a new token/);
    await back.stop();

    // With the ticket that it kept in the course of all this.
    const again = await sidecar(away, undefined, mesh);
    await trusts(away, after.bundle.roots);
    await again.stop();
  });

  it('of which the key is compromised, every replica of an account gets a certificate of its own', async () => {
    const serials = await Promise.all(
      replicas.map(async ({ stateDir }) => (await readStatus(stateDir)).identity.serial),
    );
    const { code, stdout } = await rotate('--root', '--compromised', '--waive', REVIEWS, '--wait');
    expect(code).toBe(0);
    const done = JSON.parse(stdout) as RotationStatus;
    expect(done.rotation.phase).toBe('steady');
    const after = await Promise.all(replicas.map(({ stateDir }) => readStatus(stateDir)));
    const issuer = done.slots[0]?.intermediate.serial;
    expect(after.map(({ identity }) => identity.issuerSerial)).toEqual([issuer, issuer]);
    expect(new Set([...serials, ...after.map(({ identity }) => identity.serial)]).size).toBe(4);
  });
});
