import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../../kit/control-plane-rig.ts';
import { eventually } from '../../kit/eventually.ts';
import { freePorts } from '../../kit/free-ports.ts';
import { handBuiltPeer } from '../../kit/peer.ts';

// Istio's own agent on our control plane, without its Envoy and so without its SDS.

const REVIEWS = 'spiffe://cluster.local/ns/shop/sa/reviews';
const PATIENCE_MS = 30_000;

interface Rig extends AsyncDisposable {
  readonly plane: ControlPlaneRig;
  readonly directory: string;
  log(): string;
}

/** The agent as Istio's injector starts it, with a token of ours for `istio-ca`. */
async function start(binary: string): Promise<Rig> {
  const plane = await controlPlaneRig();
  await plane.apply(SHOP);
  const directory = mkdtempSync(join(tmpdir(), 'hauberk-pilot-'));
  const at = (...path: string[]) => join(directory, ...path);
  for (const name of ['var/run/secrets/tokens', 'certs']) {
    mkdirSync(at(name), { recursive: true });
  }
  const token = await plane.operator.serviceAccountToken('shop', 'reviews', ['istio-ca']);
  writeFileSync(at('var/run/secrets/tokens/istio-token'), token, { mode: 0o600 });
  const bundle = await plane.operator.get<{ readonly spec: { readonly document: string } }>(
    'trustbundles',
    { name: 'cluster.local' },
  );
  const { keys } = JSON.parse(bundle.spec.document);
  const { raw } = new X509Certificate(Buffer.from(keys[0].x5c[0], 'base64'));
  writeFileSync(at('root.pem'), new X509Certificate(raw).toString());
  const [statusPort = 0] = await freePorts(1);
  const address = `127.0.0.1:${plane.xdsPort}`;
  const child = spawn(binary, ['proxy', 'sidecar', '--domain', 'shop.svc.cluster.local'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...{ PATH: process.env['PATH'], HOME: directory, DISABLE_ENVOY: 'true' },
      ...{ POD_NAME: 'reviews-1', POD_NAMESPACE: 'shop', SERVICE_ACCOUNT: 'reviews' },
      ...{ INSTANCE_IP: '127.0.0.1', JWT_POLICY: 'third-party-jwt', SECRET_TTL: '8s' },
      ...{ CA_ADDR: address, CA_ROOT_CA: at('root.pem'), XDS_ROOT_CA: at('root.pem') },
      ...{ ISTIOD_SAN: 'istiod.istio-system.svc', OUTPUT_CERTS: at('certs') },
      PROXY_CONFIG: JSON.stringify({ discoveryAddress: address, statusPort }),
    },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-50_000);
    });
  }
  return {
    ...{ plane, directory, log: () => log },
    async [Symbol.asyncDispose]() {
      await ended(child);
      await plane.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

handBuiltPeer('pilot-agent', 'test/interop/istio/build.sh', (binary) => {
  it('gets its certificate from our CA by our token, and renews it by that', async () => {
    await using rig = await start(binary);
    const { directory, plane } = rig;
    const chain = join(directory, 'certs', 'cert-chain.pem');
    await eventually(`a certificate: ${rig.log()}`, () => existsSync(chain), PATIENCE_MS).catch(
      () => expect.unreachable(rig.log()),
    );
    const leaf = new X509Certificate(readFileSync(chain));
    expect(leaf.subjectAltName).toBe(`URI:${REVIEWS}`);
    const root = new X509Certificate(readFileSync(join(directory, 'certs', 'root-cert.pem')));
    expect(root.checkIssued(root)).toBe(true);

    const serial = () => new X509Certificate(readFileSync(chain)).serialNumber;
    await eventually('a renewal', () => serial() !== leaf.serialNumber, PATIENCE_MS);
    const issued = plane.audit().filter(({ event, id }) => {
      return event === 'certificate.issue' && id === REVIEWS;
    });
    expect(issued.length).toBeGreaterThan(1);
    expect(
      issued.every(({ outcome, by }) => outcome === 'success' && by === 'service-account-token'),
    ).toBe(true);
  });
});
