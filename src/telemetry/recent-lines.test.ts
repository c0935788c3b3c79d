import { expect, it } from 'vitest';
import { RecentLines } from './recent-lines.ts';

it('keeps the last lines, by number and by size', () => {
  let nowMs = 0;
  const lines = new RecentLines({ now: () => ++nowMs, mostLines: 3, mostCharacters: 10 });
  for (const text of ['a', 'b', 'c', 'd']) lines.write(`${text}\n`);
  expect(lines.list()).toEqual([
    { atMs: 2, text: 'b' },
    { atMs: 3, text: 'c' },
    { atMs: 4, text: 'd' },
  ]);
  lines.write('123456789\n');
  expect(lines.list().map(({ text }) => text)).toEqual(['d', '123456789']);
});

it('keeps the newest, however many there were', () => {
  const lines = new RecentLines({ now: () => 0, mostLines: 2 });
  for (let count = 1; count <= 2_500; count += 1) lines.write(`${count}\n`);
  expect(lines.list().map(({ text }) => text)).toEqual(['2499', '2500']);
});

it('cuts lines without end', () => {
  const lines = new RecentLines({ now: () => 0 });
  lines.write(`${'x'.repeat(100_000)}\n`);
  expect(lines.list()[0]?.text).toHaveLength(16_384);
});

it('tells listeners of each line until they have enough', () => {
  const lines = new RecentLines({ now: () => 0 });
  const heard: string[] = [];
  const stop = lines.subscribe(({ text }) => heard.push(text));
  lines.write('one\ntwo\n');
  stop();
  lines.write('three\n');
  expect(heard).toEqual(['one', 'two']);
});
