import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { controlPlaneLink } from '../../../src/agent/link/control-plane-link.ts';
import { ProcessGroup } from '../../../src/app/demo/process-group.ts';
import { until } from '../../../src/app/demo/until.ts';
import { CredentialService } from '../../../src/gen/hauberk/credentials/v1/credentials_pb.js';
import type { Address } from '../../../src/proxy/address.ts';
import { readMetrics, sampleOf } from '../../kit/check-metrics.ts';
import { type ControlPlaneRig, controlPlaneRig, SHOP } from '../../kit/control-plane-rig.ts';
import { enrolled } from '../../kit/enrolled.ts';
import { freePorts } from '../../kit/free-ports.ts';
import { type OpensslServer, opensslServer } from '../../kit/openssl-server.ts';
import { peer } from '../../kit/peer.ts';
import { dial, readToEnd } from '../../kit/proxy-pair.ts';
import { type SidecarProcess, sidecarProcess } from '../../kit/sidecar-process.ts';
import { type TlsPems, testAuthority } from '../../kit/test-authority.ts';

const outside = testAuthority({ trustDomain: 'outside.example' });
const server = outside.pems(
  outside.issue('spiffe://outside.example/api', { dnsSans: ['api.example'] }),
);

/** A client certificate that the server outside knows its callers by. */
function client(name: string): TlsPems {
  const subject = [{ type: 'CN' as const, value: name }];
  return outside.pems(outside.issue('spiffe://outside.example/caller', { subject }));
}

const rules = (port: number): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: api, namespace: shop }
spec:
  hosts: [api.example]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{ number: 443, name: tls, protocol: TLS, targetPort: ${port} }]
  endpoints: [{ address: 127.0.0.1 }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: api, namespace: shop }
spec:
  host: api.example
  workloadSelector: { matchLabels: { app: products } }
  trafficPolicy: { tls: { mode: MUTUAL, credentialName: api-client, sni: api.example } }
`;

function secret(values: Readonly<Record<string, string>>, type = 'kubernetes.io/tls'): string {
  const resource = {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'api-client', namespace: 'shop' } },
    ...{ type, stringData: values },
  };
  return JSON.stringify(resource);
}

peer('openssl', (openssl) => {
  const directory = mkdtempSync(join(tmpdir(), 'hauberk-credential-'));
  const group = new ProcessGroup(directory);
  const keys: string[] = [];
  let plane: ControlPlaneRig;
  let api: OpensslServer;
  let caller: SidecarProcess;
  let outbound: Address;
  let metrics: number;

  beforeAll(async () => {
    for (const [name, pem] of Object.entries(server)) writeFileSync(join(directory, name), pem);
    const [apiPort = 0, port = 0, hbonePort = 0, watched = 0] = await freePorts(4);
    metrics = watched;
    api = await opensslServer(openssl, apiPort, [
      ...['-cert', join(directory, 'cert'), '-cert_chain', join(directory, 'cert')],
      ...['-key', join(directory, 'key'), '-CAfile', join(directory, 'ca')],
      ...['-Verify', '4', '-verify_return_error'],
    ]);
    plane = await controlPlaneRig();
    await plane.apply(`${SHOP}---${rules(apiPort)}`);
    outbound = { host: '127.0.0.1', port };
    caller = await sidecarProcess({
      ...{ group, plane, directory, name: 'products', hbonePort },
      args: [
        ...['--concurrency', '2', '--outbound', `127.0.0.1:${port}=api.example:443`],
        ...['--metrics', `127.0.0.1:${metrics}`, '--readiness', 'off'],
      ],
    });
  });
  afterAll(async () => {
    await group.stop();
    await api[Symbol.asyncDispose]();
    await plane.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Has the server turn a word around, and gives the name in the certificate that it was shown. */
  async function shownName(): Promise<string> {
    api.said();
    const socket = await dial(outbound);
    const answer = new Promise<string>((resolve, reject) => {
      socket.once('data', (chunk: Buffer) => resolve(chunk.toString()));
      socket.once('close', () => reject(new Error('no answer')));
    });
    socket.write('hello\n');
    expect(await answer).toBe('olleh\n');
    socket.destroy();
    // What the server prints comes by another way than its answer.
    let said = '';
    return until('the server has said whom it was shown', async () => {
      said += api.said();
      return /depth=0 CN ?= ?(\S+)\n/.exec(said)?.[1];
    });
  }

  /** What all workers are given. */
  function held(): Promise<string> {
    return until('the sidecar has it', async () => {
      const [credential] = (await caller.status()).credentials;
      return credential?.serial;
    });
  }

  it('says in one sentence, an Event, the status and a metric that the Secret is missing', async () => {
    const sentence =
      'credentialName: there is no Secret shop/api-client; create it in the namespace of the rule';
    await until('the sidecar is told that there is none', async () => {
      const { credentials } = await caller.status();
      return credentials.length > 0 && credentials.every(({ problem }) => problem === sentence);
    });
    expect((await readToEnd(connect(outbound))).how).toBe('reset');
    const status = await until('the failure is counted', async () => {
      const present = await caller.status();
      return present.totals.upstreamFailed > 0 && present;
    });
    expect(status.credentials).toMatchObject([{ name: 'api-client', problem: sentence }]);
    expect(status.totals.upstreamFailed).toBe(1);
    expect(JSON.stringify(status.recent)).toContain(sentence);
    const scraped = readMetrics(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text());
    expect(sampleOf(scraped, 'hauberk_credentials', { state: 'missing' })).toBe(1);
    expect(sampleOf(scraped, 'hauberk_upstreams_failed_total', { direction: 'outbound' })).toBe(1);
    await until('an Event of the rule says so', async () => {
      const events = await plane.operator.get<{ items: readonly EventLike[] }>('events', {
        ...{ name: '', namespace: 'shop' },
      });
      return events.items.some(
        ({ reason, involvedObject, message }) =>
          reason === 'CredentialMissing' &&
          involvedObject.kind === 'DestinationRule' &&
          message.includes(sentence),
      );
    });
  });

  it('shows the certificate of the Secret once it is there, and the next one once that changes', async () => {
    const names: string[] = [];
    for (const name of ['first', 'second']) {
      const { cert, key, ca } = client(name);
      keys.push(key);
      const before = (await caller.status()).credentials[0]?.serial;
      await plane.apply(secret({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca }));
      await until('it has changed', async () => (await held()) !== before);
      // Both workers have it: connections come to either.
      for (let call = 0; call < 6; call += 1) names.push(await shownName());
    }
    expect(new Set(names)).toEqual(new Set(['first', 'second']));
    expect(names.toSorted((a, b) => a.localeCompare(b))).toEqual(names);
  });

  it('takes authorities of the Secret with -cacert behind its name, live too', async () => {
    const other = testAuthority({ trustDomain: 'other.example' });
    const { ca: wrong } = other.pems(other.issue('spiffe://other.example/x'));
    const authorities = (ca: string): string =>
      secret({ cacert: ca }, 'Opaque').replace('"api-client"', '"api-client-cacert"');
    await plane.apply(authorities(wrong));
    // One that is still made with what was there before is answered, and has to be ended by us.
    await until('the server is not believed', () =>
      shownName().then(
        () => false,
        () => true,
      ),
    );
    await until('the sidecar says why', async () =>
      JSON.stringify((await caller.status()).recent).includes(
        "have not signed the server's certificate",
      ),
    );
    await plane.apply(authorities(server.ca));
    await until('it is believed again', async () => (await shownName()) === 'second');
  });

  it('leaves the key in no file of the sidecar, no log, and not readable in the database', async () => {
    for (const file of [...filesIn(directory), ...filesIn(plane.dataDir)]) {
      const text = readFileSync(file, 'latin1');
      if (file === join(directory, 'key')) continue;
      for (const key of keys) {
        const [, line = 'nothing'] = key.split('\n');
        expect({ file, holdsKey: text.includes(line) }).toEqual({ file, holdsKey: false });
        const twice = Buffer.from(key).toString('base64').slice(60, 160);
        expect({ file, holdsKey: text.includes(twice) }).toEqual({ file, holdsKey: false });
      }
    }
  });

  it('gives it to nobody else of the namespace, whoever asks, and has each answer in the audit log', async () => {
    const { identity } = await enrolled(plane, 'reviews');
    const link = controlPlaneLink({
      address: { host: '127.0.0.1', port: plane.xdsPort },
      ...{ bundle: identity.bundle, identity, rootNamespace: 'istio-system' },
    });
    const asking = createClient(CredentialService, link.transport).follow({
      names: ['api-client', 'api-client-cacert', '../bank/api-client'],
    });
    for await (const { credentials } of asking) {
      expect(credentials).toHaveLength(3);
      for (const { certificate, privateKey, authorities, problem } of credentials) {
        expect([certificate, privateKey, authorities]).toEqual(['', '', '']);
        expect(problem).toMatch(/no DestinationRule of namespace shop .* ServiceAccount reviews/);
      }
      break;
    }
    link.close();
    const given = plane.audit().filter(({ event }) => event === 'credential.give');
    const whom = new Set(given.filter(({ outcome }) => outcome === 'success').map(({ id }) => id));
    expect(whom).toEqual(new Set(['spiffe://cluster.local/ns/shop/sa/products']));
    expect(given.filter(({ outcome }) => outcome === 'failure')).toContainEqual(
      expect.objectContaining({ id: 'spiffe://cluster.local/ns/shop/sa/reviews' }),
    );
  });

  it('is taken back when the rule is for this workload no more', async () => {
    await plane.operator.delete('destinationrule', { name: 'api', namespace: 'shop' });
    await until('nothing is held', async () => (await caller.status()).credentials.length === 0);
  });
});

interface EventLike {
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly kind: string };
}

function filesIn(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile());
}
