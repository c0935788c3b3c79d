import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { fetchBundle } from '../../../src/control/federation/bundle-client.ts';
import {
  type EndpointSecrets,
  startBundleEndpoint,
} from '../../../src/control/federation/bundle-endpoint.ts';
import { WatchableValue } from '../../../src/lib/watchable.ts';
import { SpiffeId } from '../../../src/spiffe/spiffe-id.ts';
import { TrustBundle } from '../../../src/spiffe/trust-bundle.ts';
import { LineClient } from '../../kit/line-client.ts';
import { peer } from '../../kit/peer.ts';
import { testAuthority } from '../../kit/test-authority.ts';

const DOMAIN = 'partner.example';
const SERVER = `spiffe://${DOMAIN}/ns/istio-system/sa/hauberk`;
const authority = testAuthority({ trustDomain: DOMAIN });
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function bundle(of: typeof authority, sequence: number): TrustBundle {
  return TrustBundle.of(of.trustDomain, [of.root], { sequence, refreshHintMs: 1_000 });
}

function directory(files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'hauberk-go-federation-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  stops.push(async () => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function endpoint(secrets: EndpointSecrets, document: () => string): Promise<number> {
  const { port, run } = await startBundleEndpoint({
    listen: { host: '127.0.0.1', port: 0 },
    secrets: new WatchableValue(secrets),
    document: async () => document(),
  });
  const stop = new AbortController();
  const ended = run(stop.signal);
  stops.push(async () => {
    stop.abort();
    await ended;
  });
  return port;
}

const serial = (of: typeof authority): string => BigInt(`0x${of.root.serial}`).toString(16);

peer('go-spiffe', (program) => {
  it('keeps our bundle fresh by https_spiffe, through a change of the root', async () => {
    const next = testAuthority({ trustDomain: DOMAIN });
    let document = bundle(authority, 1).toJwks();
    const port = await endpoint(authority.pems(authority.issue(SERVER)), () => document);
    const question = { trustDomain: DOMAIN, url: `https://127.0.0.1:${port}/`, endpointId: SERVER };
    const path = directory({ 'question.json': JSON.stringify(question), 'bundle.json': document });
    await using go = new LineClient(program, ['federate', path]);
    const first = { serials: [serial(authority)], sequence: 1, hintSeconds: 1, jwtKeys: 0 };
    expect(await go.next()).toEqual(first);
    document = TrustBundle.of(authority.trustDomain, [authority.root, next.root], {
      ...{ sequence: 2, refreshHintMs: 1_000 },
    }).toJwks();
    for (;;) {
      const seen = (await go.next()) as typeof first;
      if (seen.sequence === 1) continue;
      expect(seen).toMatchObject({ sequence: 2, serials: [serial(authority), serial(next)] });
      break;
    }
  });

  it('takes our bundle by https_web', async () => {
    const web = authority.issue(SERVER, { uriSans: [], dnsSans: ['localhost'] });
    const port = await endpoint(authority.pems(web), () => bundle(authority, 3).toJwks());
    const question = {
      ...{ trustDomain: DOMAIN, url: `https://localhost:${port}/` },
      webRoots: authority.bundle.toPem(),
    };
    const path = directory({
      'question.json': JSON.stringify(question),
      'bundle.json': bundle(authority, 1).toJwks(),
    });
    await using go = new LineClient(program, ['federate', path]);
    expect(await go.next()).toMatchObject({ serials: [serial(authority)], sequence: 3 });
  });

  it('finds no bundle in what we answer to a mistake', async () => {
    const port = await endpoint(authority.pems(authority.issue(SERVER)), () => {
      throw new Error('none');
    });
    const question = { trustDomain: DOMAIN, url: `https://127.0.0.1:${port}/`, endpointId: SERVER };
    const path = directory({
      'question.json': JSON.stringify(question),
      'bundle.json': bundle(authority, 1).toJwks(),
    });
    await using go = new LineClient(program, ['federate', path]);
    expect(await go.next()).toMatchObject({ error: expect.stringContaining('unable to parse') });
  });

  it('publishes a bundle that we fetch', async () => {
    const pems = authority.pems(authority.issue(SERVER));
    const path = directory({
      'question.json': JSON.stringify({ trustDomain: DOMAIN }),
      'bundle.json': bundle(authority, 7).toJwks(),
      'svid.pem': pems.cert,
      'key.pem': pems.key,
    });
    await using go = new LineClient(program, ['publish', path]);
    const { url } = (await go.next()) as { url: string };
    const fetched = await fetchBundle({
      ...{ trustDomain: authority.trustDomain, url: new URL(url), nowMs: Date.now() },
      profile: { type: 'https_spiffe', endpointId: SpiffeId.parse(SERVER) },
      ...{ bundles: () => authority.bundle, signal: new AbortController().signal },
    });
    expect(fetched).toMatchObject({ sequence: 7, refreshHintMs: 1_000 });
    expect(fetched.hasContentOf(bundle(authority, 7))).toBe(true);
  });
});
