import { describe, expect, it } from 'vitest';
import { JUDGED_BY_REQUEST } from '../policy/authorization/judged-by-request.ts';
import type { ConnectionRecord, DeniedConnection } from '../proxy/proxy-events.ts';
import { CallRecorder } from './call-recorder.ts';

const ends = {
  direction: 'inbound',
  source: { host: '10.0.0.1', port: 40_000 },
  destination: { host: '10.0.0.2', port: 8080 },
  service: undefined,
  transport: 'hbone',
  ownId: 'spiffe://cluster.local/ns/shop/sa/reviews',
  ownSerial: undefined,
  peerId: 'spiffe://cluster.local/ns/shop/sa/products',
  peerSerial: undefined,
} as const;
const opened = (more: Partial<ConnectionRecord> = {}): ConnectionRecord => ({
  ...ends,
  ...{ tlsVersion: undefined, cipher: undefined, keyExchange: null, sni: undefined },
  ...{ id: 1, openedAtMs: 1, bytesIn: 0, bytesOut: 0, decision: 'allowed' },
  ...more,
});
const denied = (more: Partial<DeniedConnection> = {}): DeniedConnection => ({
  ...ends,
  ...{ atMs: 2, reason: 'authorization', decision: 'denied' },
  ...more,
});
const request = (path: string) => ({
  ...ends,
  ...{ requestId: `id-${path}`, method: 'GET', path, host: 'a', verdict: 'allowed' },
  ...{ decision: 'x', endedAtMs: 3, status: 200 },
});

describe('the record of calls', () => {
  it('adds up calls of one kind', () => {
    const recorder = new CallRecorder();
    recorder.connectionOpened(opened());
    recorder.connectionOpened(opened({ openedAtMs: 7, source: { host: '10.0.0.9', port: 1 } }));
    recorder.connectionDenied(denied());
    expect(recorder.take(10)).toMatchObject([
      {
        principal: 'cluster.local/ns/shop/sa/products',
        sourceIp: '10.0.0.9',
        port: 8080,
        allowed: true,
        count: 2,
        lastSeenMs: 7,
      },
      { allowed: false, decision: 'denied', count: 1 },
    ]);
    expect(recorder.take(10)).toEqual([]);
  });

  it('knows requests by the shape of their path, and the last by its id', () => {
    const recorder = new CallRecorder();
    for (const path of ['/users/1', '/users/2', '/']) recorder.requestEnded(request(path));
    expect(recorder.take(10)).toMatchObject([
      { http: { path: '/users/{*}' }, count: 2, requestId: 'id-/users/2' },
      { http: { path: '/' }, count: 1 },
    ]);
  });

  it('keeps each refused request by itself', () => {
    const recorder = new CallRecorder();
    recorder.requestEnded(request('/users/1'));
    for (const path of ['/users/1', '/users/2']) {
      recorder.requestEnded({ ...request(path), verdict: 'denied', status: 403 });
    }
    const [first, ...others] = recorder.denials.take(10);
    expect(first).toEqual({
      ...{ requestId: 'id-/users/1', method: 'GET', path: '/users/1', host: 'a', status: 403 },
      ...{ decision: 'x', atMs: 3, sourceIp: '10.0.0.1', port: 8080 },
      principal: 'cluster.local/ns/shop/sa/products',
    });
    expect(others).toHaveLength(1);
    expect(recorder.denials.take(10)).toEqual([]);
  });

  it('tells plaintext callers by their address', () => {
    const recorder = new CallRecorder();
    for (const host of ['10.0.0.1', '10.0.0.2', '10.0.0.1']) {
      recorder.connectionOpened(opened({ peerId: undefined, source: { host, port: 1 } }));
    }
    expect(recorder.take(10).map(({ principal, count }) => [principal, count])).toEqual([
      ['', 1],
      ['', 2],
    ]);
  });

  it('is not about what goes out, what is judged by request, and what no policy refused', () => {
    const recorder = new CallRecorder();
    recorder.connectionOpened(opened({ direction: 'outbound', decision: undefined }));
    recorder.connectionOpened(opened({ decision: JUDGED_BY_REQUEST }));
    recorder.connectionDenied(denied({ reason: 'limit' }));
    recorder.connectionDenied(denied({ direction: 'outbound', reason: 'refused-by-peer' }));
    expect(recorder.take(10)).toEqual([]);
  });

  it('stays small, and forgets what was not seen for longest', () => {
    const recorder = new CallRecorder();
    for (let n = 0; n < 3_000; n += 1) recorder.requestEnded(request(`/p${n}x`));
    expect(recorder.dropped).toBe(952);
    const [first] = recorder.take(10_000);
    expect(first?.http?.path).toBe('/p952x');
  });

  it('takes back what could not be told', () => {
    const recorder = new CallRecorder();
    recorder.connectionOpened(opened());
    const taken = recorder.take(1);
    recorder.connectionOpened(opened());
    recorder.putBack(taken);
    expect(recorder.take(10)).toMatchObject([{ count: 2 }]);
  });
});
