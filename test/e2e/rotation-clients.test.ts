import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { SECRET_TYPE } from '../../src/agent/socket/sds-view.ts';
import { callAdmin } from '../../src/app/admin-client.ts';
import type { RotationStatus } from '../../src/app/control-plane/authority-rotation.ts';
import { ProcessGroup } from '../../src/app/demo/process-group.ts';
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
} from '../../src/gen/envoy/service/discovery/v3/discovery_pb.js';
import { SecretDiscoveryService } from '../../src/gen/envoy/service/secret/v3/sds_pb.js';
import { Outbox } from '../../src/xds/outbox.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../kit/control-plane-rig.ts';
import { freePorts } from '../kit/free-ports.ts';
import { hauberk } from '../kit/hauberk.ts';
import { type SidecarProcess, sidecarProcess } from '../kit/sidecar-process.ts';

const PATIENCE_MS = 60_000;
const directory = mkdtempSync(join(tmpdir(), 'hauberk-rotation-clients-'));
const group = new ProcessGroup(directory);
let plane: ControlPlaneRig;
let reviews: SidecarProcess;
let envoy: SlowEnvoy | undefined;

beforeAll(async () => {
  plane = await controlPlaneRig();
  await plane.apply(SHOP);
  const [hbonePort = 0] = await freePorts(1);
  reviews = await sidecarProcess({ group, plane, directory, name: 'reviews', hbonePort, args: [] });
});
afterEach(() => {
  envoy?.leave();
  envoy = undefined;
});
afterAll(async () => {
  await group.stop();
  await plane.close();
  rmSync(directory, { recursive: true, force: true });
});

/** An SDS client for `ROOTCA` that answers only when it is told to. */
class SlowEnvoy {
  readonly #requests = new Outbox<DiscoveryRequest>();
  readonly #manager: Http2SessionManager;
  #answer: 'ack' | 'nothing' | 'nack' = 'ack';
  #unanswered: string | undefined;

  constructor(socketPath: string) {
    this.#manager = new Http2SessionManager('http://localhost', undefined, {
      createConnection: () => connect(socketPath),
    });
    const transport = createGrpcTransport({
      baseUrl: 'http://localhost',
      sessionManager: this.#manager,
    });
    this.#send({ node: { id: 'slow-envoy' } });
    void this.#read(createClient(SecretDiscoveryService, transport)).catch(() => undefined);
  }

  /** From now on; what waits is answered so, too. */
  answer(how: 'ack' | 'nothing' | 'nack'): void {
    this.#answer = how;
    const nonce = this.#unanswered;
    if (nonce !== undefined) this.#reply(nonce);
  }

  leave(): void {
    this.#requests.end();
    this.#manager.abort();
  }

  async #read(client: ReturnType<typeof createClient<typeof SecretDiscoveryService>>) {
    for await (const { nonce } of client.streamSecrets(this.#requests)) this.#reply(nonce);
  }

  #reply(nonce: string): void {
    this.#unanswered = this.#answer === 'nothing' ? nonce : undefined;
    if (this.#answer === 'nothing') return;
    const refused = this.#answer === 'nack' ? { errorDetail: { message: 'no such curve' } } : {};
    this.#send({ responseNonce: nonce, ...refused });
  }

  #send(fields: object): void {
    const asked = { typeUrl: SECRET_TYPE, resourceNames: ['ROOTCA'] };
    this.#requests.push(create(DiscoveryRequestSchema, { ...asked, ...fields }));
  }
}

async function connected(): Promise<SlowEnvoy> {
  const slow = new SlowEnvoy((await reviews.status()).spiffeSocket.path);
  envoy = slow;
  await until('the client to hold the bundle', async () => {
    const { sds } = (await reviews.status()).spiffeSocket;
    return sds.clients.some(({ node, acknowledged }) => node === 'slow-envoy' && acknowledged > 0);
  });
  return slow;
}

async function until(what: string, isThere: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  while (!(await isThere())) {
    if (Date.now() > deadlineMs) {
      const { running, log } = reviews.process;
      const agent = `the agent ${running ? 'runs' : 'has ended'}: ${log().slice(-4_000)}`;
      throw new Error(`not in time: ${what}; ${JSON.stringify(await status())}; ${agent}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function status(): Promise<RotationStatus> {
  return callAdmin<RotationStatus>(plane.dataDir, { method: 'GET', path: '/v1/ca/status' });
}

async function rotate(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await hauberk(['ca', 'rotate', ...args, '--data-dir', plane.dataDir]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

const steady = (): Promise<void> =>
  until('the end of the rotation', async () => (await status()).rotation.phase === 'steady');

/** What is waited for behind the agent, once its program is known to be the one thing in the way. */
async function waitedFor(): Promise<string[]> {
  let waits: string[] = [];
  // The agent tells of its clients before it acknowledges the bundle itself, or after.
  await until('the agent to have told of it', async () => {
    const { agents, rotation } = await status();
    if (rotation.phase === 'steady') return false;
    waits = rotation.waitsFor.map(({ name, lacks }) => `${name} ${lacks}`);
    const [agent, ...others] = agents;
    if (agent === undefined || others.length > 0 || rotation.phase !== 'distributing') return false;
    return agent.acknowledged && agent.lagging.length > 0;
  });
  return waits;
}

it('a root is not activated before an SDS client behind an agent has acknowledged it', async () => {
  const slow = await connected();
  slow.answer('nothing');
  await rotate('--root', '--renew-within', '1s');
  expect(await waitedFor()).toEqual([
    'shop/reviews-1/slow-envoy has not acknowledged ROOTCA yet, although its agent has it',
  ]);
  const { stdout } = await hauberk(['ca', 'status', '--data-dir', plane.dataDir]);
  expect(stdout).toContain('waits for shop/reviews-1/slow-envoy: it has not acknowledged ROOTCA');
  slow.answer('ack');
  await steady();
});

it('one that refuses the bundle is waited for too, with its words, until it is waived', async () => {
  const slow = await connected();
  slow.answer('nack');
  await rotate('--root', '--renew-within', '1s');
  expect(await waitedFor()).toEqual([
    'shop/reviews-1/slow-envoy refuses ROOTCA: no such curve, although its agent has it',
  ]);
  await rotate('--waive', 'shop/reviews-1/slow-envoy');
  await steady();
  const { stdout } = await hauberk(['ca', 'status', '--data-dir', plane.dataDir]);
  expect(stdout).toMatch(/shop\/reviews-1\/slow-envoy refuses ROOTCA: no such curve, for \d+/);
});

it('one that hung up while it was behind is waited for, since it comes back with what it had', async () => {
  const slow = await connected();
  slow.answer('nothing');
  await rotate('--root', '--renew-within', '1s');
  await waitedFor();
  slow.leave();
  await until('that it hung up to be known', async () => {
    const [agent] = (await status()).agents;
    return agent?.lagging.some(({ lacks }) => lacks.endsWith('and has hung up')) === true;
  });
  expect((await status()).rotation.phase).toBe('distributing');
  await connected();
  await steady();
});
