import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type {
  ClosedConnection,
  ConnectionRecord,
  ProxyEvents,
  RequestRecord,
} from '../proxy/proxy-events.ts';
import { type AccessLogMode, allProxyEvents, proxyLog } from './proxy-log.ts';

const ends = {
  direction: 'inbound',
  source: { host: '10.0.0.1', port: 40_000 },
  destination: { host: '10.0.0.2', port: 8080 },
  service: undefined,
  transport: 'hbone',
  ownId: 'spiffe://cluster.local/ns/shop/sa/reviews',
  ownSerial: '01',
  peerId: 'spiffe://cluster.local/ns/shop/sa/products',
} as const;

const connection = { ...ends, id: 1, decision: 'no policy' } as unknown as ConnectionRecord;
const request = { ...ends, path: '/', status: 200 } as unknown as RequestRecord;

/** The messages that were written, and what they were written as. */
function logged(mode: AccessLogMode, tell: (events: ProxyEvents) => void): readonly unknown[] {
  const lines: string[] = [];
  const log = pino(
    { base: {}, timestamp: false, formatters: { level: (level) => ({ level }) } },
    { write: (line: string) => lines.push(line) },
  );
  tell(proxyLog(log, mode));
  return lines.map((line) => {
    const { level, msg } = JSON.parse(line);
    return [level, msg];
  });
}

const closed = (reason: ClosedConnection['reason']): ClosedConnection =>
  ({ ...connection, reason }) as ClosedConnection;

function oneOfEach(events: ProxyEvents): void {
  events.connectionOpened(connection);
  events.requestEnded({ ...request, verdict: 'allowed' });
  events.requestEnded({ ...request, verdict: 'denied' });
  events.requestEnded({ ...request, verdict: 'unauthenticated' });
  events.connectionClosed(closed('finished'));
  events.connectionClosed(closed('policy-changed'));
}

describe('the log of the proxy', () => {
  it('has only what was refused or cut where that is asked', () => {
    expect(logged('refused', oneOfEach)).toEqual([
      ['warn', 'request denied'],
      ['warn', 'request denied'],
      ['info', 'connection closed'],
    ]);
  });

  it('has everything where that is asked, refusals as warnings', () => {
    expect(logged('all', oneOfEach)).toEqual([
      ['info', 'connection opened'],
      ['info', 'request'],
      ['warn', 'request denied'],
      ['warn', 'request denied'],
      ['info', 'connection closed'],
      ['info', 'connection closed'],
    ]);
  });
});

it('tells several listeners, each of everything, in their order', () => {
  const told: string[] = [];
  const listener = (name: string): ProxyEvents =>
    ({ requestEnded: () => told.push(name) }) as unknown as ProxyEvents;
  allProxyEvents(listener('first'), listener('second')).requestEnded({
    ...request,
    verdict: 'denied',
  });
  expect(told).toEqual(['first', 'second']);
});
