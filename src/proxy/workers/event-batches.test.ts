import { expect, it } from 'vitest';
import type { ClosedConnection, ConnectionRecord } from '../proxy-events.ts';
import { type EventBatch, EventBatches } from './event-batches.ts';

function record(id: number): ConnectionRecord {
  return {
    ...{ id, direction: 'inbound', transport: 'hbone', ownId: 'spiffe://a/b', service: undefined },
    ...{ source: { host: '10.0.0.1', port: 1 }, destination: { host: '10.0.0.2', port: 2 } },
    ...{ ownSerial: '1', peerId: undefined, peerSerial: undefined, tlsVersion: 'TLSv1.3' },
    ...{ cipher: undefined, keyExchange: null, openedAtMs: 0, sni: undefined },
    ...{ decision: undefined, bytesIn: 0, bytesOut: 0 },
  };
}

function closed(id: number): ClosedConnection {
  return { ...record(id), closedAtMs: 1, reason: 'finished', detail: undefined };
}

function rig(maxWaiting: number) {
  const sent: EventBatch[] = [];
  const flushes: (() => void)[] = [];
  const batches = new EventBatches({
    ...{ maxWaiting, send: (batch) => sent.push(batch) },
    schedule: (flush) => flushes.push(flush),
  });
  const turn = (): void => {
    for (const flush of flushes.splice(0)) flush();
  };
  return { batches, sent, turn };
}

it('sends what happened in one turn of the loop together, in order', () => {
  const { batches, sent, turn } = rig(10);
  batches.events.connectionOpened(record(1));
  batches.events.connectionOpened(record(2));
  batches.events.connectionClosed(closed(1));
  expect(sent).toEqual([]);
  turn();
  expect(
    sent.map(({ events }) => events.map(([name, event]) => [name, { ...event, ownId: '' }])),
  ).toEqual([
    [
      ['connectionOpened', expect.objectContaining({ id: 1 })],
      ['connectionOpened', expect.objectContaining({ id: 2 })],
      ['connectionClosed', expect.objectContaining({ id: 1 })],
    ],
  ]);
  expect(sent[0]?.open).toEqual({ inbound: 1, outbound: 0 });
});

it('drops and counts what comes while too much waits, and goes on counting connections', () => {
  const { batches, sent, turn } = rig(2);
  for (let id = 1; id <= 5; id += 1) batches.events.connectionOpened(record(id));
  turn();
  expect(sent[0]).toMatchObject({ open: { inbound: 5, outbound: 0 }, dropped: 3 });
  expect(sent[0]?.events).toHaveLength(2);
  batches.heard(2);
  batches.events.connectionClosed(closed(1));
  turn();
  expect(sent[1]).toMatchObject({ open: { inbound: 4, outbound: 0 }, dropped: 3 });
  expect(sent[1]?.events).toHaveLength(1);
});
