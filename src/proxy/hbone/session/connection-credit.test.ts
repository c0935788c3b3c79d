import { describe, expect, it } from 'vitest';
import { CONNECTION_WINDOW_BYTES, ConnectionCredit } from './connection-credit.ts';

const MIB = 1024 * 1024;

describe('ConnectionCredit', () => {
  it('gives the window back on receipt, while not too much waits for readers', () => {
    const given: number[] = [];
    const credit = new ConnectionCredit((increment) => given.push(increment));
    for (let i = 0; i < 16; i += 1) expect(credit.take(MIB)).toBe(true);
    expect(given.reduce((sum, each) => sum + each, 0)).toBe(CONNECTION_WINDOW_BYTES);
  });

  it('holds it back while more than 16 MiB wait, and gives it when they are read, without anything new coming', () => {
    const given: number[] = [];
    const credit = new ConnectionCredit((increment) => given.push(increment));
    credit.unread(16 * MIB + 1);
    for (let i = 0; i < 16; i += 1) expect(credit.take(MIB)).toBe(true);
    expect(given).toEqual([]);
    credit.unread(-1);
    expect(given).toEqual([16 * MIB]);
  });

  it('takes no byte more than the peer was allowed', () => {
    const credit = new ConnectionCredit(() => undefined);
    credit.unread(16 * MIB + 1);
    expect(credit.take(CONNECTION_WINDOW_BYTES)).toBe(true);
    expect(credit.take(1)).toBe(false);
  });
});
