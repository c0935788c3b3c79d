import { describe, expect, it } from 'vitest';
import type { Channel, ChannelHandlers } from './channel.ts';
import { type Meter, type SpliceFailure, splice } from './splice.ts';

/** A channel that does nothing by itself and remembers what was asked of it. */
class FakeChannel implements Channel {
  readonly calls: string[] = [];
  handlers: ChannelHandlers | undefined;
  hasRoom = true;

  start(handlers: ChannelHandlers): void {
    this.handlers = handlers;
  }
  write(chunk: Uint8Array): boolean {
    this.calls.push(`write ${Buffer.from(chunk).toString()}`);
    return this.hasRoom;
  }
  end(): void {
    this.calls.push('end');
  }
  pause(): void {
    this.calls.push('pause');
  }
  resume(): void {
    this.calls.push('resume');
  }
  reset(): void {
    this.calls.push('reset');
  }
}

function spliced() {
  const source = new FakeChannel();
  const destination = new FakeChannel();
  const meter: Meter = { bytesIn: 0, bytesOut: 0 };
  const endings: (SpliceFailure | undefined)[] = [];
  splice({ source, destination, meter, closed: (failure) => endings.push(failure) });
  return { source, destination, meter, endings };
}

describe('splice', () => {
  it('passes bytes both ways and counts them', () => {
    const { source, destination, meter } = spliced();
    source.handlers?.data(Buffer.from('ping'), false);
    destination.handlers?.data(Buffer.from('pong!'), false);
    expect(destination.calls).toEqual(['write ping']);
    expect(source.calls).toEqual(['write pong!']);
    expect(meter).toEqual({ bytesIn: 4, bytesOut: 5 });
  });

  it('pauses the writer while the reader has no room', () => {
    const { source, destination } = spliced();
    destination.hasRoom = false;
    source.handlers?.data(Buffer.from('x'), false);
    expect(source.calls).toEqual(['pause']);
    destination.handlers?.drain();
    expect(source.calls).toEqual(['pause', 'resume']);
    expect(destination.calls).toEqual(['write x']);
  });

  it('ends each direction by itself, and is closed when both are', () => {
    const { source, destination, endings } = spliced();
    source.handlers?.end();
    expect(destination.calls).toEqual(['end']);
    expect(source.calls).toEqual([]);
    destination.handlers?.end();
    source.handlers?.closed(undefined);
    expect(endings).toEqual([]);
    destination.handlers?.closed(undefined);
    expect(endings).toEqual([undefined]);
  });

  it.each(['source', 'destination'] as const)('resets the other side when the %s fails', (side) => {
    const pair = spliced();
    const other = side === 'source' ? 'destination' : 'source';
    const error = new Error('reset');
    pair[side].handlers?.closed(error);
    expect(pair[other].calls).toEqual(['reset']);
    pair[other].handlers?.closed(new Error('cut'));
    expect(pair.endings).toEqual([{ side, error }]);
  });
});
