import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { obtainSvid } from '../../../src/agent/identity/obtain-svid.ts';
import { ProcessGroup } from '../../../src/app/demo/process-group.ts';
import type { PluggedInFiles } from '../../../src/ca/plugged-in-files.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Address } from '../../../src/proxy/address.ts';
import type { Identity } from '../../../src/spiffe/identity.ts';
import { generateKeyPair } from '../../../src/x509/key-pair.ts';
import { encodePem } from '../../../src/x509/pem.ts';
import { controlPlaneRig, SHOP } from '../../kit/control-plane-rig.ts';
import { Envoy } from '../../kit/envoy.ts';
import { eventually } from '../../kit/eventually.ts';
import { freePorts } from '../../kit/free-ports.ts';
import { crlPem, givenCrl } from '../../kit/given-crl.ts';
import { hauberk } from '../../kit/hauberk.ts';
import { peer } from '../../kit/peer.ts';
import { ownCa, pluggedInCa } from '../../kit/plugged-in-ca.ts';
import { ask, echoServer, startApp } from '../../kit/proxy-pair.ts';
import { sidecarProcess } from '../../kit/sidecar-process.ts';

const nowMs = Date.now();
const root = ownCa({ name: 'Example root', nowMs });
const policy = ownCa({ name: 'Example policy', nowMs, issuer: root });
const mesh = ownCa({ name: 'mesh', nowMs, issuer: policy });
const scratch = mkdtempSync(join(tmpdir(), 'hauberk-envoy-plugin-'));
const caDir = join(scratch, 'ca');
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function give(files: Partial<PluggedInFiles>): void {
  mkdirSync(caDir, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(caDir, name), text, { mode: 0o600 });
  }
}

/** Whether somebody with this certificate gets an answer through the Envoy. */
async function isLetIn(address: Address, { svid }: Identity): Promise<boolean> {
  const socket = connect({
    ...address,
    key: svid.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: svid.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
    rejectUnauthorized: false,
  });
  // The alert comes after the handshake, perhaps after the answer.
  socket.on('error', () => undefined);
  try {
    await once(socket, 'secureConnect');
    return (await ask(socket, 'hello')) === 'hello';
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

peer('envoy-1.40', (binary) => {
  it('behind a plug-in CA refuses whom the mesh revoked, once each authority above has a list', async () => {
    await using stack = new AsyncDisposableStack();
    give(pluggedInCa([mesh, policy, root]));
    const plane = await controlPlaneRig({ caDir });
    onTestFinished(() => plane.close());
    await plane.apply(SHOP);
    const group = new ProcessGroup(scratch);
    onTestFinished(() => group.stop());
    const [hbonePort = 0] = await freePorts(1);
    const about = { group, plane, directory: scratch, name: 'reviews', hbonePort, args: [] };
    const { spiffeSocket, ...status } = await (await sidecarProcess(about)).status();
    expect(status.identity.issuerSerial).toBe(mesh.certificate.serial);
    const app = stack.use(await startApp(echoServer()));
    const ingress = { to: app.address, trust: 'ROOTCA' };
    const to = stack.use(await Envoy.start({ binary, sdsPath: spiffeSocket.path, ingress }));
    const address = to.address('ingress');

    const caller = async (): Promise<Identity> => {
      const token = await plane.createToken('shop', 'products');
      const plain = { host: '127.0.0.1', port: plane.xdsPort };
      const about = { address: plain, rootNamespace: 'istio-system', token, clock: systemClock };
      return obtainSvid(about)(undefined, generateKeyPair(), new AbortController().signal);
    };
    const [revoked, good] = [await caller(), await caller()];
    const serial = revoked.svid.chain[0]?.serial ?? '';
    const at = ['--data-dir', plane.dataDir];
    expect(await hauberk(['certs', 'revoke', serial, ...at])).toMatchObject({
      code: 0,
    });
    expect(await isLetIn(address, revoked)).toBe(true);

    const lists = [root, policy].map((each) => givenCrl(each, { nowMs }));
    give({ 'ca-crl.pem': crlPem(...lists) });
    expect(await hauberk(['ca', 'reload', ...at])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('has other revocation lists'),
    });
    await eventually('the revoked one is refused', async () => !(await isLetIn(address, revoked)));
    expect(await isLetIn(address, good)).toBe(true);
    expect(await to.counter(/listener.*\.ssl\.fail_verify_error/)).toBeGreaterThan(0);

    // One authority without a list: the others must not make the Envoy refuse everybody.
    rmSync(join(caDir, 'ca-crl.pem'));
    give({ 'ca-crl.pem': crlPem(lists[0] ?? givenCrl(root, { nowMs })) });
    expect(await hauberk(['ca', 'reload', ...at])).toMatchObject({ code: 0 });
    await eventually('nobody is refused any more', () => isLetIn(address, revoked));
    expect(await isLetIn(address, good)).toBe(true);
  });
});
