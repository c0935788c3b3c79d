import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import {
  type ReturnTicketFile,
  returnTicketFile,
  type StoredTicket,
} from './return-ticket-file.ts';

const ticket: StoredTicket = {
  ...{ id: 'a', secrets: ['secret-one', 'secret-two'], trustDomain: 'td', roots: 'PEM' },
  ...{ enrolledWith: undefined, expiresAtMs: 1 },
};
let directory: string;
let path: string;
let problems: string[];
let file: ReturnTicketFile;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hauberk-ticket-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  path = join(directory, 'return-ticket.json');
  problems = [];
  file = returnTicketFile(directory, (sentence) => problems.push(sentence));
});

it('comes back as it was written, readable by its owner only', () => {
  expect(file.read()).toBeUndefined();
  file.write(ticket);
  file.write({ ...ticket, enrolledWith: 'x' });
  expect(file.read()).toEqual({ ...ticket, enrolledWith: 'x' });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toEqual(['return-ticket.json']);
  file.remove();
  file.remove();
  expect(existsSync(path)).toBe(false);
  expect(problems).toEqual([]);
});

it.each([
  ['no JSON', 'secret-one {'],
  ['null', 'null'],
  ['an array', '[]'],
  ['no secrets', JSON.stringify({ ...ticket, secrets: [] })],
  ['a secret that is a number', JSON.stringify({ ...ticket, secrets: [1] })],
  ['no id', JSON.stringify({ ...ticket, id: undefined })],
  ['300 KiB', ' '.repeat(300 * 1024)],
])('is not used, with a word to the operator, when it is %s', (_, text) => {
  writeFileSync(path, text, { mode: 0o600 });
  expect(file.read()).toBeUndefined();
  expect(problems).toHaveLength(1);
  expect(problems[0]).not.toContain('secret-one');
});

it('is not used when others can read it', () => {
  file.write(ticket);
  chmodSync(path, 0o640);
  expect(file.read()).toBeUndefined();
  expect(problems[0]).toMatch(/others can read it/);
});

it('stays as it was when the directory cannot be written', () => {
  file.write(ticket);
  const elsewhere = returnTicketFile(join(directory, 'missing'), () => undefined);
  expect(() => elsewhere.write(ticket)).toThrow(expect.objectContaining({ code: 'ERR_STORE' }));
  expect(file.read()).toEqual(ticket);
});

it.each<[string, () => unknown, string]>([
  ['a directory', () => mkdirSync(path, { mode: 0o700 }), 'is a directory'],
  ['a FIFO', () => execFileSync('mkfifo', ['-m', '600', path]), 'is no plain file'],
])('is not waited for, nor believed, when %s is in its place', (_, make, why) => {
  make();
  expect(file.read()).toBeUndefined();
  expect(problems).toEqual([expect.stringContaining(why)]);
});

it('says in a sentence when it can be neither written nor removed', () => {
  mkdirSync(path);
  const refused = (word: string, why: string) =>
    expect.objectContaining({
      code: 'ERR_STORE',
      message: `cannot ${word} the return ticket ${why}`,
    });
  const why = 'it is a directory; move that away, or choose another place';
  expect(() => file.write(ticket)).toThrow(refused('write', `${path}: ${why}`));
  expect(() => file.remove()).toThrow(refused('remove', `${path} of the identity before: ${why}`));
  expect(readdirSync(directory)).toEqual(['return-ticket.json']);
});
