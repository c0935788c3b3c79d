import { describe, expect, it } from 'vitest';
import { describeHboneTransport, join } from '../../../test/kit/hbone-transport-contract.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { nodeHttp2Transport } from '../../../test/kit/node-http2/node-http2-transport.ts';
import { until } from '../../../test/kit/proxy-pair.ts';
import { systemClock } from '../../lib/clock.ts';
import { Deadlines } from '../deadlines.ts';
import { framedTransport } from './framed-transport.ts';
import type { HboneTransport } from './hbone-transport.ts';

const deadlines = new Deadlines(systemClock, 10_000);
const own = (maxStreams: number): HboneTransport => framedTransport(maxStreams, deadlines);
const node = (maxStreams: number): HboneTransport => nodeHttp2Transport(maxStreams, deadlines);

describeHboneTransport('our own framing', own);
describeHboneTransport('our own framing calls node:http2', (maxStreams) => ({
  connect: own(maxStreams).connect,
  accept: node(maxStreams).accept,
}));
describeHboneTransport('node:http2 calls our own framing', (maxStreams) => ({
  connect: node(maxStreams).connect,
  accept: own(maxStreams).accept,
}));

describe('a peer that is asked for a stream', () => {
  /** A transport whose peer may take ten seconds for an answer and be silent for five. */
  function timed(): { readonly clock: ManualClock; readonly transport: HboneTransport } {
    const clock = new ManualClock();
    const [answers, silence] = [10_000, 5_000].map((ms) => new Deadlines(clock, ms));
    return { clock, transport: framedTransport(100, answers ?? deadlines, silence) };
  }

  it('and says nothing at all is given up, and the stream may be asked for elsewhere', async () => {
    const { clock, transport } = timed();
    await using joined = await join(transport);
    await joined.open();
    await clock.advance(100);
    joined.sockets.server.pause();
    const outcome = joined.client.open('10.0.0.1:80');
    await clock.advance(4_999);
    expect(joined.client.streams).toBe(2);
    await clock.advance(1);
    expect(await outcome).toEqual({ outcome: 'unprocessed' });
    expect(await joined.client.closed).toBe('the peer answers no ping');
  });

  it('and answers pings may take its time for the stream', async () => {
    const { clock, transport } = timed();
    await using joined = await join(transport);
    const outcome = joined.client.open('10.0.0.1:80');
    const other = joined.client.open('10.0.0.1:81');
    await until(() => joined.incoming.length === 2);
    // Its answer comes behind that to the ping.
    joined.incoming[1]?.accept();
    await other;
    await clock.advance(9_999);
    expect(joined.client.available).toBeGreaterThan(0);
    joined.incoming[0]?.accept();
    expect(await outcome).toMatchObject({ outcome: 'opened' });
  });

  it('is asked for an answer only so often, and noticed to be silent by that of the stream then', async () => {
    const { clock, transport } = timed();
    await using joined = await join(transport);
    await joined.open();
    joined.sockets.server.pause();
    // Its answer to the ping of just now may be what came last.
    await clock.advance(99);
    const outcome = joined.client.open('10.0.0.1:80');
    await clock.advance(9_999);
    expect(joined.client.streams).toBe(2);
    await clock.advance(1);
    expect(await outcome).toEqual({ outcome: 'unprocessed' });
  });
});
