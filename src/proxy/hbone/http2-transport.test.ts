import { describeHboneTransport } from '../../../test/kit/hbone-transport-contract.ts';
import { systemClock } from '../../lib/clock.ts';
import { Deadlines } from '../deadlines.ts';
import { http2Transport } from './http2-transport.ts';

describeHboneTransport('node:http2', (maxStreams) =>
  http2Transport(maxStreams, new Deadlines(systemClock, 10_000)),
);
