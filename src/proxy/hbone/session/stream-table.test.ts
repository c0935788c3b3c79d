import { describe, expect, it } from 'vitest';
import { HboneStream, type StreamCarrier } from './hbone-stream.ts';
import { StreamTable } from './stream-table.ts';

const carrier: StreamCarrier = {
  send: () => 0,
  sendEnd: () => undefined,
  hasRoomAfter: () => true,
  wait: () => undefined,
  sendWindowUpdate: () => undefined,
  unread: () => undefined,
  cut: () => undefined,
  whenSent: () => undefined,
};
const stream = (id: number): HboneStream => new HboneStream(id, { send: 1, receive: 1 }, carrier);

describe('StreamTable', () => {
  it('knows what became of an identifier', () => {
    const table = new StreamTable();
    const [ended, cut] = [stream(1), stream(5)];
    for (const each of [ended, stream(3), cut]) table.add(each);
    table.remove(ended);
    table.removeReset(cut);
    expect([1, 3, 5, 7].map((id) => table.kindOf(id))).toEqual(['closed', 'open', 'reset', 'idle']);
    expect([2, 4].map((id) => table.kindOf(id))).toEqual(['idle', 'idle']);
  });

  it('remembers the newest 1,024 streams that were cut, and no more', () => {
    const table = new StreamTable();
    for (let id = 1; id <= 2 * 1_025; id += 2) table.skip(id);
    expect(table.kindOf(1)).toBe('closed');
    expect(table.kindOf(3)).toBe('reset');
    expect(table.kindOf(2_049)).toBe('reset');
  });
});
