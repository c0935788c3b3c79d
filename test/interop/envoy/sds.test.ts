import { once } from 'node:events';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { type Watchable, WatchableValue } from '../../../src/lib/watchable.ts';
import type { Address } from '../../../src/proxy/address.ts';
import { TrustBundle } from '../../../src/spiffe/trust-bundle.ts';
import type { Crl } from '../../../src/x509/crl.ts';
import { generateKeyPair } from '../../../src/x509/key-pair.ts';
import { Envoy } from '../../kit/envoy.ts';
import { eventually } from '../../kit/eventually.ts';
import { peer } from '../../kit/peer.ts';
import { service } from '../../kit/policies.ts';
import {
  ask,
  CLIENT_ID,
  dial,
  echoServer,
  entryFor,
  readToEnd,
  SERVER_ID,
  startApp,
  startPair,
} from '../../kit/proxy-pair.ts';
import { SpiffeSocketRig } from '../../kit/spiffe-socket.ts';
import { type TestAuthority, testAuthority } from '../../kit/test-authority.ts';
import { testCrls } from '../../kit/test-crls.ts';

interface Mesh extends AsyncDisposable {
  readonly client: SpiffeSocketRig;
  readonly server: SpiffeSocketRig;
  readonly from: Envoy;
  readonly to: Envoy;
}

interface MeshOptions {
  readonly api?: 'GRPC' | 'DELTA_GRPC';
  /** The secret by which the calling Envoy judges the server. Default its SPIFFE ID. */
  readonly trust?: string;
  /** The same on the called side. Default the caller's SPIFFE ID. */
  readonly serverTrust?: string;
  readonly authority?: TestAuthority;
  /** Of the called side. */
  readonly crls?: Watchable<readonly Crl[]>;
}

/** An application behind an Envoy of `reviews`, called by an Envoy of `products`. */
async function startMesh(binary: string, options: MeshOptions = {}): Promise<Mesh> {
  const { api = 'GRPC', trust = SERVER_ID, serverTrust = CLIENT_ID } = options;
  const stack = new AsyncDisposableStack();
  const { authority = testAuthority(), crls } = options;
  const app = stack.use(await startApp(echoServer()));
  const client = stack.use(await SpiffeSocketRig.start({ authority, id: CLIENT_ID }));
  const server = stack.use(
    await SpiffeSocketRig.start({ authority, id: SERVER_ID, ...(crls && { crls }) }),
  );
  const ingress = { to: app.address, trust: serverTrust };
  const to = stack.use(await Envoy.start({ binary, api, sdsPath: server.path, ingress }));
  const egress = { to: to.address('ingress'), trust };
  const from = stack.use(await Envoy.start({ binary, api, sdsPath: client.path, egress }));
  return { client, server, from, to, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** One connection, one question. */
async function call(address: Address): Promise<string> {
  const socket = await dial(address);
  try {
    return await ask(socket, 'hello');
  } finally {
    socket.destroy();
  }
}

interface Load {
  (): Promise<{ readonly failures: readonly string[] }>;
  answered(): number;
}

/** New connections until told to stop; gives what failed. */
function load(address: Address): Load {
  let on = true;
  const result = { answered: 0, failures: [] as string[] };
  const worker = async (): Promise<void> => {
    while (on) {
      try {
        if ((await call(address)) !== 'hello') throw new Error('another answer');
        result.answered += 1;
      } catch (error) {
        result.failures.push(String(error));
      }
    }
  };
  const workers = [worker(), worker(), worker(), worker()];
  const stop = async () => {
    on = false;
    await Promise.all(workers);
    return result;
  };
  return Object.assign(stop, { answered: () => result.answered });
}

/** Of the certificate that the called Envoy shows now. */
async function servedSerial({ client, to }: Mesh): Promise<bigint> {
  const { key, cert } = client.authority.pems(client.identity.current.svid);
  const address = to.address('ingress');
  const socket = connect({ ...address, key, cert, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return BigInt(`0x${serialNumber}`);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(['envoy-1.40', 'envoy-1.38'])('%s', (program) => {
  peer(program, (binary) => {
    it.each(['GRPC', 'DELTA_GRPC'] as const)(
      'does mutual TLS with another by %s secrets',
      async (api) => {
        await using mesh = await startMesh(binary, { api });
        expect(await call(mesh.from.address('egress'))).toBe('hello');
        expect(await mesh.to.counter(/listener.*\.ssl\.handshake$/)).toBe(1);
        const variant = api === 'GRPC' ? 'sotw' : 'delta';
        expect(mesh.client.socket.sds).toMatchObject({
          rejected: 0,
          clients: [{ variant }, { variant }],
        });
      },
    );

    it.each(['ROOTCA', 'ALL', 'spiffe://cluster.local'])('trusts by %s', async (trust) => {
      await using mesh = await startMesh(binary, { trust, serverTrust: trust });
      expect(await call(mesh.from.address('egress'))).toBe('hello');
    });

    it('refuses a server that has another SPIFFE ID than the one asked for', async () => {
      const trust = 'spiffe://cluster.local/ns/shop/sa/ratings';
      await using mesh = await startMesh(binary, { trust });
      const { received } = await readToEnd(await dial(mesh.from.address('egress')));
      expect(received).toHaveLength(0);
      expect(await mesh.from.counter(/cluster\.egress\.ssl\.fail_verify/)).toBeGreaterThan(0);
    });

    it('refuses a caller that has another SPIFFE ID than the one asked for', async () => {
      const serverTrust = 'spiffe://cluster.local/ns/shop/sa/ratings';
      await using mesh = await startMesh(binary, { serverTrust });
      const socket = await dial(mesh.from.address('egress'));
      socket.write('hello');
      expect((await readToEnd(socket)).received).toHaveLength(0);
      expect(await mesh.to.counter(/listener.*\.ssl\.fail_verify/)).toBeGreaterThan(0);
    });

    it('loses no request while certificates and roots rotate, and no open connection', async () => {
      await using mesh = await startMesh(binary, { trust: 'ROOTCA', serverTrust: 'ROOTCA' });
      const address = mesh.from.address('egress');
      const old = await dial(address);
      expect(await ask(old, 'hello')).toBe('hello');
      const stop = load(address);
      const sides = [mesh.client, mesh.server];
      for (let i = 0; i < 5; i++) await acknowledged(sides, (side) => void side.rotate());
      await changeRoot(sides);
      await eventually('more than 50 answers', () => stop.answered() > 50);
      expect((await stop()).failures).toEqual([]);
      expect(await ask(old, 'still there')).toBe('still there');
      old.destroy();
      for (const side of sides) expect(side.rejections).toEqual([]);
      expect(await mesh.to.counter(/ssl_context_update_by_sds$/)).toBeGreaterThan(5);
      expect(await mesh.to.counter(/total_listeners_draining|listener_modified/)).toBe(0);
    });

    it('goes on without its SDS server, and gets what is new from the next', async () => {
      await using mesh = await startMesh(binary);
      const address = mesh.from.address('egress');
      await mesh.client.stop();
      await mesh.server.stop();
      expect(await call(address)).toBe('hello');
      mesh.client.rotate();
      const serial = mesh.server.rotate();
      await mesh.client.start();
      await mesh.server.start();
      const acked = (): boolean =>
        [mesh.client, mesh.server].every(({ socket }) => socket.sds.acknowledged >= 2);
      await eventually('both Envoys are back', acked);
      expect(await call(address)).toBe('hello');
      expect(await servedSerial(mesh)).toBe(BigInt(`0x${serial}`));
    });

    it('refuses a key that is not the certificate’s, says why, and keeps the old one', async () => {
      await using mesh = await startMesh(binary);
      const { identity, authority } = mesh.client;
      const bad = authority.identity(CLIENT_ID);
      const { privateKey } = generateKeyPair('ecdsa-p256');
      identity.set({ ...bad, svid: { ...bad.svid, privateKey } });
      await eventually('the NACK', () => mesh.client.rejections.length > 0);
      expect(mesh.client.rejections[0]).toMatch(/private key|KEY_VALUES_MISMATCH|mismatch/i);
      expect(await call(mesh.from.address('egress'))).toBe('hello');
      mesh.client.rotate();
      const status = () => mesh.client.socket.sds.clients.map(({ rejection }) => rejection);
      await eventually('the next is taken', () => status().every((why) => why === undefined));
    });

    it.each(['ROOTCA', CLIENT_ID])(
      'refuses a caller from the moment on that its certificate is revoked, by %s',
      async (serverTrust) => {
        const authority = testAuthority();
        const crls = new WatchableValue<readonly Crl[]>(testCrls(authority));
        await using mesh = await startMesh(binary, { authority, crls, serverTrust });
        const address = mesh.from.address('egress');
        expect(await call(address)).toBe('hello');
        const serial = mesh.client.identity.current.svid.chain[0]?.serial ?? '';
        const { acknowledged } = mesh.server.socket.sds;
        crls.set(testCrls(authority, { revoked: [serial] }));
        await eventually(
          'the list is taken',
          () => mesh.server.socket.sds.acknowledged > acknowledged,
        );
        const socket = await dial(address);
        socket.write('hello');
        expect((await readToEnd(socket)).received).toHaveLength(0);
        expect(await mesh.to.counter(/listener.*\.ssl\.fail_verify_error/)).toBeGreaterThan(0);
        // With a new certificate it is let in again.
        const before = mesh.client.socket.sds.acknowledged;
        mesh.client.rotate();
        await eventually('the next', () => mesh.client.socket.sds.acknowledged > before);
        expect(await call(address)).toBe('hello');
        expect([...mesh.client.rejections, ...mesh.server.rejections]).toEqual([]);
      },
    );

    it('calls the built-in proxy by Istio’s mutual TLS', async () => {
      const authority = testAuthority();
      await using pair = await startPair({ authority, transport: 'istio-mtls' });
      await using client = await SpiffeSocketRig.start({ authority, id: CLIENT_ID });
      const egress = { to: pair.inbound, trust: SERVER_ID };
      await using from = await Envoy.start({ binary, sdsPath: client.path, egress });
      expect(await call(from.address('egress'))).toBe('hello');
      expect(pair.server.events.opened).toMatchObject([
        { peerId: CLIENT_ID, transport: 'istio-mtls', tlsVersion: 'TLSv1.3' },
      ]);
      const stop = load(from.address('egress'));
      for (let i = 0; i < 5; i++) {
        client.rotate();
        pair.server.identity.set(authority.identity(SERVER_ID));
        await pause(100);
      }
      expect((await stop()).failures).toEqual([]);
    });

    it('is called by the built-in proxy by Istio’s mutual TLS', async () => {
      const authority = testAuthority();
      await using app = await startApp(echoServer());
      await using server = await SpiffeSocketRig.start({ authority, id: SERVER_ID });
      const ingress = { to: app.address, trust: CLIENT_ID };
      await using to = await Envoy.start({ binary, sdsPath: server.path, ingress });
      const targetPort = to.address('ingress').port;
      await using pair = await startPair({
        authority,
        transport: 'istio-mtls',
        clientFacts: {
          services: [service({ ports: [{ name: 'http', port: 80, targetPort }] })],
          workloadEntries: [entryFor(0, 'istio-mtls')],
        },
      });
      expect(await call(pair.outbound)).toBe('hello');
      expect(await to.counter(/listener.*\.ssl\.handshake$/)).toBe(1);
      const stop = load(pair.outbound);
      for (let i = 0; i < 5; i++) {
        server.rotate();
        pair.client.identity.set(authority.identity(CLIENT_ID));
        await pause(100);
      }
      expect((await stop()).failures).toEqual([]);
    });
  });
});

/** From one root to another, by way of a bundle with both; each step acknowledged before the next. */
async function changeRoot(sides: readonly SpiffeSocketRig[]): Promise<void> {
  const successor = testAuthority();
  const [first] = sides;
  if (first === undefined) throw new Error('no sides');
  const { authority } = first;
  const both = TrustBundle.of(authority.trustDomain, [authority.root, successor.root]);
  const steps = [
    (side: SpiffeSocketRig) => ({ ...side.identity.current, bundle: both }),
    (side: SpiffeSocketRig) => ({
      ...successor.identity(side.identity.current.svid.id.toString()),
      bundle: both,
    }),
    (side: SpiffeSocketRig) => ({ ...side.identity.current, bundle: successor.bundle }),
  ];
  for (const step of steps) await acknowledged(sides, (side) => side.identity.set(step(side)));
}

/** Does it on each side, and waits until the Envoys have taken it, and some connections were made with it. */
async function acknowledged(
  sides: readonly SpiffeSocketRig[],
  change: (side: SpiffeSocketRig) => void,
): Promise<void> {
  const before = sides.map(({ socket }) => socket.sds.acknowledged);
  for (const side of sides) change(side);
  await eventually('the step is acknowledged', () =>
    sides.every(({ socket }, i) => socket.sds.acknowledged > (before[i] ?? 0)),
  );
  await pause(200);
}
