import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  CLIENT_ID,
  type ProxyPair,
  readToEnd,
  SERVER_ID,
  startPair,
  until,
} from '../../../test/kit/proxy-pair.ts';
import {
  type IssueOptions,
  type TestAuthority,
  testAuthority,
} from '../../../test/kit/test-authority.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Identity } from '../../spiffe/identity.ts';

type Side = 'client' | 'server';

const HOUR_MS = 3_600_000;
const IDS: Readonly<Record<Side, string>> = { client: CLIENT_ID, server: SERVER_ID };
const OTHER: Readonly<Record<Side, Side>> = { client: 'server', server: 'client' };

/** A side's identity that the other must not accept, and what that one says. */
interface Row {
  readonly wrong: (side: Side, authority: TestAuthority) => Identity;
  readonly verdict: 'ERR_SVID' | 'ERR_PATH';
  readonly says: RegExp;
  /** How much the clock of the side that shows it is late, so that it would use it at all. */
  readonly lateMs?: number;
}

const issued =
  (options: (side: Side) => IssueOptions): Row['wrong'] =>
  (side, authority) =>
    authority.identity(IDS[side], options(side));

const rows: readonly (readonly [string, Row])[] = [
  [
    'two URI SANs',
    {
      wrong: issued((side) => ({ uriSans: [IDS[side], `${IDS[side]}-2`] })),
      ...{ verdict: 'ERR_SVID', says: /2 URI SANs/ },
    },
  ],
  [
    'a key usage for the other side only',
    {
      wrong: issued((side) => ({ extendedKeyUsage: [`${OTHER[side]}Auth`] })),
      ...{ verdict: 'ERR_PATH', says: /(?:client|server)Auth/ },
    },
  ],
  [
    'a certificate that has expired',
    {
      wrong: issued(() => ({
        notBeforeMs: Date.now() - 3 * HOUR_MS,
        notAfterMs: Date.now() - HOUR_MS,
      })),
      ...{ verdict: 'ERR_PATH', says: /expired 1h/, lateMs: 2 * HOUR_MS },
    },
  ],
  [
    'a certificate of another authority',
    {
      wrong: (side) => testAuthority().identity(IDS[side]),
      ...{ verdict: 'ERR_PATH', says: /neither a trusted root/ },
    },
  ],
  [
    'another trust domain',
    {
      wrong: (side) => {
        const id = IDS[side].replace('cluster.local', 'elsewhere.example');
        return testAuthority({ trustDomain: 'elsewhere.example' }).identity(id);
      },
      ...{ verdict: 'ERR_SVID', says: /elsewhere\.example/ },
    },
  ],
];

/** A pair in which one side shows what it should not; the other believes its own authority. */
function pairOf(row: Row, side: Side, transport: 'hbone' | 'istio-mtls'): Promise<ProxyPair> {
  // Old enough for a clock that is late to believe it.
  const authority = testAuthority({ nowMs: Date.now() - 4 * HOUR_MS });
  const { bundle } = authority;
  // It believes the other side, so that there is only one who refuses.
  const identity = { ...row.wrong(side, authority), bundle };
  const { lateMs = 0 } = row;
  const clock = { ...systemClock, now: () => Date.now() - lateMs };
  return startPair({
    ...{ authority, transport },
    ...(side === 'client'
      ? { clientIdentity: identity, client: { clock } }
      : { serverIdentity: identity, server: { clock } }),
  });
}

describe.each(['hbone', 'istio-mtls'] as const)('by %s', (transport) => {
  it.each(rows)('a caller with %s is refused, and both sides have it by one id', async (_, row) => {
    await using pair = await pairOf(row, 'client', transport);
    // Never an end in good order, which would be an empty answer; also for who only listens.
    const socket = connect(pair.outbound);
    expect(await readToEnd(socket)).toMatchObject({ how: 'reset', received: Buffer.alloc(0) });
    const { client, server } = pair;
    await until(() => client.events.handshakes.length + server.events.handshakes.length === 2);
    const [ours, theirs] = [client.events.handshakes[0], server.events.handshakes[0]];
    expect(theirs).toMatchObject({
      ...{ direction: 'inbound', transport, verdict: row.verdict, ownId: SERVER_ID },
      reason: expect.stringMatching(row.says),
      presentedSerial: client.identity.current.svid.chain[0]?.serial,
    });
    expect(ours).toMatchObject({
      ...{ direction: 'outbound', transport, expectedIds: [SERVER_ID] },
      ...{ handshakeId: theirs?.handshakeId, presentedId: SERVER_ID },
      reason: expect.stringMatching(/may not have accepted our certificate/),
    });
    expect(server.events.opened).toEqual([]);
  });

  it.each(rows)('a server with %s is refused before a byte is sent', async (_, row) => {
    await using pair = await pairOf(row, 'server', transport);
    const socket = connect(pair.outbound);
    socket.write('hello');
    expect((await readToEnd(socket)).how).toBe('reset');
    const { client, server } = pair;
    expect(client.events.handshakes).toMatchObject([
      {
        ...{ direction: 'outbound', transport, verdict: row.verdict, expectedIds: [SERVER_ID] },
        reason: expect.stringMatching(row.says),
        presentedSerial: server.identity.current.svid.chain[0]?.serial,
      },
    ]);
    expect(client.events.opened).toEqual([]);
    if (transport === 'istio-mtls') return;
    await until(() => server.events.handshakes.length === 1);
    expect(server.events.handshakes[0]?.handshakeId).toBe(client.events.handshakes[0]?.handshakeId);
  });

  it('two that do not believe each other name each the certificate of the other', async () => {
    for (let turn = 0; turn < 10; turn += 1) {
      await using pair = await startPair({
        ...{ authority: testAuthority(), transport },
        serverIdentity: testAuthority().identity(SERVER_ID),
      });
      await readToEnd(connect(pair.outbound));
      const { client, server } = pair;
      await until(() => client.events.handshakes.length + server.events.handshakes.length === 2);
      expect(client.events.handshakes).toMatchObject([{ presentedId: SERVER_ID }]);
      expect(server.events.handshakes).toMatchObject([
        { presentedId: CLIENT_ID, verdict: 'ERR_PATH', handshakeId: expect.any(String) },
      ]);
    }
  });
});
