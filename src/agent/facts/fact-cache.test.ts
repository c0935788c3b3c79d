import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../test/kit/eventually.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { authorizationPolicy, peerAuthentication, service } from '../../../test/kit/policies.ts';
import { noFacts } from '../../policy/mesh-facts.ts';
import { kindOf } from '../../resources/kinds.ts';
import type { Resource } from '../../resources/resource.ts';
import { encodeFact, factName, factTypeUrl } from '../../xds/fact.ts';
import type { ReceivedResource, Rejection, ResourceDelta } from '../../xds/resource-sink.ts';
import { type FactCache, type FactCacheOptions, openFactCache } from './fact-cache.ts';
import { factTypes } from './fact-cache-facts.ts';

const POLICY = 'security.istio.io/v1/PeerAuthentication';
const SERVICE = 'core/v1/Service';
let directory: string;
let clock: ManualClock;
let problems: string[];
let cache: FactCache;
let aborting: AbortController;
let running: Promise<void>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-cache-'));
  clock = new ManualClock();
  await start();
});

afterEach(async () => {
  await stop();
  rmSync(directory, { recursive: true, force: true });
});

async function start(options: Partial<FactCacheOptions> = {}): Promise<void> {
  problems = [];
  cache = await openFactCache({
    meshIds: () => ['mesh'],
    directory,
    clock,
    events: { problem: (sentence) => problems.push(sentence) },
    ...options,
  });
  aborting = new AbortController();
  running = cache.run(aborting.signal);
}

async function stop(): Promise<void> {
  aborting.abort();
  await running;
}

async function restart(options: Partial<FactCacheOptions> = {}): Promise<void> {
  await stop();
  await start(options);
}

function received(
  resource: Resource,
  version = '1',
  name = factName(resource.metadata),
): ReceivedResource {
  const { message } = encodeFact({ name, version, json: resource });
  const { typeUrl = '', value = new Uint8Array() } = message.resource ?? {};
  return { name, version, typeUrl, bytes: value };
}

function apply(delta: Partial<ResourceDelta>): readonly Rejection[] {
  return cache.apply({ typeUrl: POLICY, resources: [], removed: [], complete: true, ...delta });
}

function typeUrlOf(resource: Resource): string {
  const kind = kindOf(resource);
  return kind === undefined ? '' : factTypeUrl({ ...kind, version: kind.versions[0] });
}

/** A first state of all types with these resources, as a control plane sends it. */
function sync(...resources: Resource[]): void {
  for (const typeUrl of factTypes)
    apply({
      typeUrl,
      resources: resources
        .filter((resource) => typeUrlOf(resource) === typeUrl)
        .map((resource) => received(resource)),
    });
}

const strict = peerAuthentication({ mtls: { mode: 'STRICT' } });
const file = (): string => join(directory, 'facts.jsonl');

function policyNames(): readonly string[] {
  return cache.facts.current.peerAuthentications.map(({ metadata }) => factName(metadata));
}

describe('facts', () => {
  it('are none, from nowhere, until each type has come whole', () => {
    expect(cache.facts.current).toBe(noFacts);
    expect(cache.source.current).toEqual({ from: 'nowhere' });
    let published = 0;
    cache.facts.subscribe(() => {
      published += 1;
    });
    for (const typeUrl of factTypes.slice(1)) apply({ typeUrl });
    apply({ resources: [received(strict)], complete: false });
    expect(published).toBe(0);
    apply({ resources: [received(peerAuthentication({}, { name: 'more' }))] });
    expect(published).toBe(1);
    expect(policyNames()).toEqual(['shop/default', 'shop/more']);
    expect(cache.source.current).toEqual({ from: 'control-plane', sinceMs: clock.now() });
  });

  it('are typed, with defaults, and in the order of their names', () => {
    const { mtls: _mtls, ...bare } = strict.spec ?? {};
    sync(service({}, { name: 'web' }), service({}, { name: 'api' }), { ...strict, spec: bare });
    expect(cache.facts.current.services.map(({ metadata }) => metadata.name)).toEqual([
      'api',
      'web',
    ]);
    expect(cache.facts.current.services[0]?.spec.type).toBe('ClusterIP');
  });

  it('are swapped once per batch; what did not change keeps its identity', () => {
    sync(strict, peerAuthentication({}, { name: 'other' }), service());
    const before = cache.facts.current;
    let published = 0;
    cache.facts.subscribe(() => {
      published += 1;
    });
    const changed = peerAuthentication({ mtls: { mode: 'PERMISSIVE' } });
    const added = peerAuthentication({}, { name: 'more' });
    apply({ resources: [received(changed, '2'), received(added, '2')] });
    const after = cache.facts.current;
    expect(published).toBe(1);
    expect(after.services).toBe(before.services);
    expect(after.peerAuthentications.at(-1)).toBe(before.peerAuthentications.at(-1));
    expect(after.peerAuthentications).not.toBe(before.peerAuthentications);
    apply({});
    apply({ removed: ['shop/never'] });
    expect(cache.facts.current).toBe(after);
    apply({ removed: ['shop/default', 'shop/more'] });
    expect(policyNames()).toEqual(['shop/other']);
  });

  it('wait for the rest of a state that comes in pieces', () => {
    sync(strict);
    apply({ resources: [received(peerAuthentication({}, { name: 'a' }))], complete: false });
    apply({ typeUrl: SERVICE, resources: [received(service())] });
    expect(policyNames()).toEqual(['shop/default']);
    expect(cache.facts.current.services).toEqual([]);
    apply({});
    expect(policyNames()).toEqual(['shop/a', 'shop/default']);
    expect(cache.facts.current.services).toHaveLength(1);
  });
});

describe('a bad fact', () => {
  const shaped = (json: unknown): ReceivedResource =>
    received(json as Resource, '2', 'shop/default');

  it.each<[string, ReceivedResource, RegExp]>([
    [
      'against the schema',
      shaped({ ...strict, spec: { mtls: { mode: 'STRIKT' } } }),
      /spec\.mtls\.mode.*STRIKT/,
    ],
    ['under another name', { ...received(strict), name: 'shop/other' }, /"shop\/default"/],
    ['under another type', { ...received(service()), name: 'shop/default' }, /core\/v1\/Service/],
    ['of no known kind', shaped({ ...strict, kind: 'Unheard' }), /Unheard/],
    ['that is no fact', { ...received(strict), typeUrl: 'other' }, /other/],
    ['without a name in it', shaped({ ...strict, metadata: {} }), /metadata\.name/],
  ])('%s is rejected alone, and the last good one stays', (_what, bad, reason) => {
    sync(strict);
    const other = peerAuthentication({}, { name: 'good' });
    const rejections = apply({ resources: [{ ...bad, version: '2' }, received(other, '2')] });
    expect(rejections).toEqual([{ name: bad.name, reason: expect.stringMatching(reason) }]);
    expect(cache.facts.current.peerAuthentications).toEqual([strict, other]);
    expect(cache.versions(POLICY)).toEqual(
      new Map([
        ['shop/default', '1'],
        ['shop/good', '2'],
      ]),
    );
  });

  it('with very many problems is described in short', () => {
    const rules = Array.from({ length: 50 }, () => ({ unheard: true }));
    const bad = authorizationPolicy({ rules } as never);
    const [rejection] = apply({ typeUrl: typeUrlOf(bad), resources: [received(bad)] });
    expect(rejection?.reason).toMatch(/and \d+ more problems$/);
  });
});

describe('kept on disk', () => {
  it('after a while, several changes at once, facts are there after a restart', async () => {
    sync(strict, service());
    await clock.advance(500);
    expect(readdirSync(directory)).toEqual([]);
    apply({ resources: [received(peerAuthentication({}, { name: 'more' }), '2')] });
    await clock.advance(500);
    await eventually('the file is written', () => readdirSync(directory).includes('facts.jsonl'));
    const savedAtMs = clock.now();
    await restart();
    expect(policyNames()).toEqual(['shop/default', 'shop/more']);
    expect(cache.facts.current.services).toHaveLength(1);
    expect(cache.source.current).toEqual({ from: 'disk', savedAtMs });
    expect(cache.versions(POLICY)).toEqual(
      new Map([
        ['shop/default', '1'],
        ['shop/more', '2'],
      ]),
    );
    expect(problems).toEqual([]);
  });

  it('is also what was not yet written when the agent stops', async () => {
    sync(strict);
    await restart();
    expect(policyNames()).toEqual(['shop/default']);
  });

  it('is nothing as long as only half a state is known', async () => {
    apply({ resources: [received(strict)] });
    await restart();
    expect(cache.source.current).toEqual({ from: 'nowhere' });
    sync(strict);
    await restart();
    apply({ resources: [received(service())], removed: ['shop/default'], complete: false });
    await restart();
    expect(policyNames()).toEqual(['shop/default']);
  });

  it('is confirmed by the control plane, once each type has come, and changed by it', async () => {
    sync(strict, service());
    await restart();
    apply({ removed: ['shop/default'] });
    expect(policyNames()).toEqual([]);
    expect(cache.source.current.from).toBe('disk');
    for (const typeUrl of factTypes) apply({ typeUrl });
    expect(cache.source.current.from).toBe('control-plane');
    expect(cache.facts.current.services).toHaveLength(1);
  });

  it('is a removal as well', async () => {
    sync(strict);
    await restart();
    apply({ removed: ['shop/default'] });
    await restart();
    expect(policyNames()).toEqual([]);
    expect(cache.source.current.from).toBe('disk');
  });
});

describe('a file that cannot be used', () => {
  async function refused(reason: RegExp, options: Partial<FactCacheOptions> = {}): Promise<void> {
    await start(options);
    expect(cache.facts.current).toBe(noFacts);
    expect(cache.source.current).toEqual({ from: 'nowhere' });
    expect(problems).toEqual([expect.stringMatching(reason)]);
  }

  beforeEach(async () => {
    sync(strict);
    await stop();
  });

  it('because it is of another mesh is set aside, and never mixed in', async () => {
    await refused(/of mesh "mesh", this is "other"; it is now .* without facts$/, {
      meshIds: () => ['other'],
    });
    expect(readdirSync(directory)).toEqual(['facts.jsonl.set-aside']);
    sync(service());
    await restart({ meshIds: () => ['other'] });
    expect(policyNames()).toEqual([]);
    expect(cache.facts.current.services).toHaveLength(1);
  });

  it('unless one of the names of the mesh is the same, as in a rotation of its root', async () => {
    await restart({ meshIds: () => ['next', 'mesh'] });
    expect(problems).toEqual([]);
    expect(policyNames()).toHaveLength(1);
    sync(service());
    await restart({ meshIds: () => ['next'] });
    expect(problems).toEqual([]);
    expect(cache.facts.current.services).toHaveLength(1);
  });

  it('because it was altered is set aside', async () => {
    writeFileSync(file(), readFileSync(file(), 'utf8').replace('STRICT', 'DISABL'));
    await refused(/was altered or is not whole; it is now .*facts\.jsonl\.set-aside/);
  });

  it.each(['-m 600 FILE', 'directory'])(
    'because it is no file (%s) is not waited for',
    async (made) => {
      rmSync(file());
      if (made === 'directory') mkdirSync(file());
      else execFileSync('mkfifo', made.replace('FILE', file()).split(' '));
      await refused(/it is no plain file; it is now .*set-aside/);
      expect(readdirSync(directory)).toEqual(['facts.jsonl.set-aside']);
    },
  );

  it('because it is too large is set aside', async () => {
    await refused(/the limit is 100/, { maxFileBytes: 100 });
    expect(readdirSync(directory)).toEqual(['facts.jsonl.set-aside']);
  });

  it('in parts, because a fact is no longer valid, is used without that', async () => {
    const { FactFile } = await import('./fact-cache-file.ts');
    const whole = new FactFile({ directory, maxBytes: 1_000_000 });
    const kept = await whole.read();
    if (kept === undefined) throw new Error('nothing was kept');
    const odd = { ...strict, metadata: { ...strict.metadata, name: 'odd' }, spec: { unheard: 1 } };
    await whole.write({
      ...kept,
      facts: [
        ...kept.facts,
        { typeUrl: POLICY, name: 'shop/odd', version: '9', resource: odd },
        { typeUrl: 'of/the/future', name: 'x', version: '9', resource: {} },
      ],
    });
    await start();
    expect(policyNames()).toEqual(['shop/default']);
    expect(cache.versions(POLICY).has('shop/odd')).toBe(false);
    expect(problems).toEqual([expect.stringMatching(/^1 of 3 facts .* the first is "shop\/odd"/)]);
  });
});

it('goes on when facts cannot be written, and says so', async () => {
  await stop();
  rmSync(directory, { recursive: true });
  writeFileSync(directory, 'not a directory');
  await start();
  problems = [];
  sync(strict);
  await clock.advance(1_000);
  await eventually('it is told', () => problems.length > 0);
  expect(problems).toEqual([expect.stringMatching(/^the facts could not be kept in .* because /)]);
  expect(policyNames()).toEqual(['shop/default']);
});
