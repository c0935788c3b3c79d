import { expect, it } from 'vitest';
import type { TrafficPolicy } from '../../resources/kinds/traffic-policy-schema.ts';
import { type ConnectionBounds, connectionBounds } from './connection-bounds.ts';

const none: ConnectionBounds = {
  ...{ maxConnections: undefined, connectTimeoutMs: undefined, idleTimeoutMs: undefined },
  ...{ maxDurationMs: undefined, keepAliveMs: undefined },
};
type Tcp = NonNullable<NonNullable<TrafficPolicy['connectionPool']>['tcp']>;

it.each<[Tcp | undefined, Partial<ConnectionBounds>]>([
  [undefined, {}],
  [{}, {}],
  [{ maxConnections: 0 }, {}],
  [{ maxConnections: 7 }, { maxConnections: 7 }],
  [{ connectTimeout: '250ms' }, { connectTimeoutMs: 250 }],
  [{ idleTimeout: '0s' }, {}],
  [{ idleTimeout: '1h' }, { idleTimeoutMs: 3_600_000 }],
  [{ maxConnectionDuration: '10s' }, { maxDurationMs: 10_000 }],
  [{ tcpKeepalive: { time: '75s', probes: 3 } }, { keepAliveMs: 75_000 }],
])('reads %j', (tcp, expected) => {
  const pool = tcp === undefined ? undefined : { tcp };
  expect(connectionBounds(pool, undefined)).toEqual({ ...none, ...expected });
});

it('connects as long as the mesh allows where no rule says otherwise', () => {
  expect(connectionBounds(undefined, 9).connectTimeoutMs).toBe(9);
  expect(connectionBounds({ tcp: { connectTimeout: '5ms' } }, 9).connectTimeoutMs).toBe(5);
});
