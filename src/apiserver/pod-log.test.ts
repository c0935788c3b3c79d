import { beforeEach, expect, it } from 'vitest';
import { admin } from '../../test/kit/api-rig.ts';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import { kinds } from '../resources/kinds.ts';
import type { ApiContext } from './api-context.ts';
import { type LogSource, logSubresource } from './pod-log.ts';
import type { ResourceCall } from './resource-call.ts';

const nowMs = Date.UTC(2026, 0, 1);
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-1', namespace: 'shop' },
  spec: { containers: [{ name: 'istio-proxy' }] },
};

let source: LogSource | undefined;
let kept: readonly string[];
let fresh: readonly string[];

beforeEach(() => {
  kept = ['one', 'two', 'three'];
  fresh = ['four', 'five'];
  source = {
    async *lines({ follow }) {
      for (const [at, text] of kept.entries()) {
        yield { atMs: nowMs - (kept.length - at) * 1_000, text };
      }
      yield 'all kept';
      if (follow) for (const text of fresh) yield { atMs: nowMs, text };
    },
  };
});

async function log(query: string, name = 'web-1'): Promise<string> {
  const definition = kinds.find(({ kind }) => kind === 'Pod');
  const target = { at: 'resource', group: '', version: 'v1', resource: 'pods' } as const;
  const call = {
    request: { method: 'GET', query: new URLSearchParams(query), headers: {}, user: admin },
    target: { ...target, namespace: 'shop', name, subresource: 'log' },
    ...{ definition, version: 'v1', apiVersion: 'v1', kind: 'Pod', warnings: [] },
    what: { group: '', resource: 'pods' },
  } as unknown as ResourceCall;
  const derived = { list: async () => [pod], source: () => undefined };
  const context = { derived, clock: new ManualClock(nowMs) } as unknown as ApiContext;
  const answered = await logSubresource(
    () => source,
    () => nowMs,
  )(call, context);
  if (!('stream' in answered)) throw new Error('no stream');
  const chunks: Buffer[] = [];
  const sink = {
    write(chunk: Buffer): undefined {
      chunks.push(chunk);
    },
  };
  await answered.stream(sink, new AbortController().signal);
  return Buffer.concat(chunks).toString();
}

it.each([
  ['', 'one\ntwo\nthree\n'],
  ['tailLines=2', 'two\nthree\n'],
  ['tailLines=0', ''],
  ['follow=true', 'one\ntwo\nthree\nfour\nfive\n'],
  ['follow=true&tailLines=1', 'three\nfour\nfive\n'],
  ['follow=true&tailLines=0', 'four\nfive\n'],
  ['sinceSeconds=2', 'two\nthree\n'],
  ['sinceTime=2025-12-31T23:59:59Z', 'three\n'],
  ['limitBytes=5', 'one\nt'],
  ['tailLines=1&timestamps=true', '2025-12-31T23:59:59.000Z three\n'],
  ['container=istio-proxy&tailLines=1', 'three\n'],
])('answers "%s" with what is wished', async (query, expected) => {
  expect(await log(query)).toBe(expected);
});

it.each([
  ['previous=true', /previous terminated container in pod "web-1" not found/],
  ['container=other', /container other is not valid for pod web-1/],
  ['tailLines=-1', /must be a whole number/],
  ['sinceTime=yesterday', /sinceTime: Invalid value/],
])('refuses "%s"', async (query, message) => {
  await expect(log(query)).rejects.toThrow(message);
});

it('says where the log is while nobody is there who has it', async () => {
  source = undefined;
  await expect(log('')).rejects.toMatchObject({
    status: { code: 503, reason: 'ServiceUnavailable' },
    message: expect.stringContaining('its sidecar, which is not connected'),
  });
});

it('knows no log of a pod that is not there', async () => {
  await expect(log('', 'nobody')).rejects.toMatchObject({ status: { code: 404 } });
});
