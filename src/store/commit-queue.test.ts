import { beforeEach, describe, expect, it } from 'vitest';
import { MeshError } from '../lib/errors.ts';
import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import { CommitQueue } from './commit-queue.ts';
import { type LogEntry, placeOf } from './journal.ts';
import type { Change } from './store.ts';

const service = (name: string, padding = ''): Resource => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name },
  spec: { padding },
});
const put = (name: string, padding?: string): readonly Change[] => [
  { op: 'put', resource: service(name, padding), expectVersion: '0' },
];

describe('CommitQueue', () => {
  let kept: (readonly LogEntry[])[];
  let turns: (() => void)[];
  let refuse: (entries: readonly LogEntry[]) => boolean;
  let queue: CommitQueue;

  beforeEach(() => {
    kept = [];
    turns = [];
    refuse = () => false;
    const objects = new Map<string, Resource>();
    const target = {
      version: 0,
      get: (key: ResourceKey) => objects.get(placeOf(key)),
      now: () => 0,
      keep: (entries: readonly LogEntry[]) => {
        if (refuse(entries)) throw new MeshError('ERR_STORE', 'the disk is full');
        kept.push(entries);
        target.version += entries.length;
        for (const { key, stored } of entries) objects.set(placeOf(key), stored.resource);
      },
    };
    queue = new CommitQueue(target, (work) => turns.push(work));
  });

  const nextTurn = (): void => {
    for (const work of turns.splice(0)) work();
  };
  const names = (): readonly (readonly string[])[] =>
    kept.map((entries) => entries.map(({ key }) => key.name));

  it('keeps what is asked for in one turn together', async () => {
    const answers = [queue.commit(put('a')), queue.commit(put('b'))];
    expect(kept).toEqual([]);
    nextTurn();
    await Promise.all(answers);
    expect(names()).toEqual([['a', 'b']]);
  });

  it('plans each commit on what those before it leave, and refuses it alone', async () => {
    const answers = Promise.allSettled([
      queue.commit(put('a')),
      queue.commit(put('a')),
      queue.commit([{ op: 'delete', key: keyOf(service('a')), expectVersion: '1' }]),
      queue.commit(put('a')),
    ]);
    nextTurn();
    const outcomes = (await answers).map((outcome) =>
      outcome.status === 'fulfilled'
        ? outcome.value[0]?.metadata.resourceVersion
        : outcome.reason.code,
    );
    expect(outcomes).toEqual(['1', 'ERR_CONFLICT', undefined, '3']);
    expect(kept.flat().map(({ stored }) => stored.type)).toEqual(['ADDED', 'DELETED', 'ADDED']);
  });

  it('tries each alone when the disk does not take all, and tells only those refused', async () => {
    refuse = (entries) => entries.length > 1 || entries[0]?.key.name === 'large';
    const answers = Promise.allSettled([
      queue.commit(put('a')),
      queue.commit(put('large')),
      queue.commit(put('b')),
    ]);
    nextTurn();
    expect((await answers).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(names()).toEqual([['a'], ['b']]);
  });

  it('judges what was refused beside a failed commit again without it', async () => {
    refuse = (entries) => entries.length > 1 || JSON.stringify(entries).includes('wide');
    const answers = Promise.allSettled([
      queue.commit(put('a', 'wide')),
      queue.commit(put('a')),
      queue.commit(put('b')),
    ]);
    nextTurn();
    expect((await answers).map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
  });

  it('leaves the loop a turn after every 128 commits', async () => {
    const answers = Array.from({ length: 300 }, (_, index) => queue.commit(put(`p${index}`)));
    nextTurn();
    expect(kept.map(({ length }) => length)).toEqual([128]);
    nextTurn();
    nextTurn();
    await Promise.all(answers);
    expect(kept.map(({ length }) => length)).toEqual([128, 128, 44]);
    expect(turns).toEqual([]);
  });

  it('keeps all that waits when it is flushed, and then has nothing to do', async () => {
    const answers = Array.from({ length: 130 }, (_, index) => queue.commit(put(`p${index}`)));
    queue.flush();
    await Promise.all(answers);
    nextTurn();
    expect(kept.flat()).toHaveLength(130);
  });
});
