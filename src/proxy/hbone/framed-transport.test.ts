import { describeHboneTransport } from '../../../test/kit/hbone-transport-contract.ts';
import { nodeHttp2Transport } from '../../../test/kit/node-http2/node-http2-transport.ts';
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
