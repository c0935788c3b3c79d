import { describe, expect, it } from 'vitest';
import {
  ask,
  CLIENT_ID,
  dial,
  type PairSide,
  readToEnd,
  SERVER_ID,
  startPair,
  until,
} from '../../test/kit/proxy-pair.ts';
import type { CertificateRevocation } from '../resources/kinds/certificate-revocation.ts';

function revocation(identity: string, serial: string): CertificateRevocation {
  return {
    apiVersion: 'security.hauberk.dev/v1alpha1',
    kind: 'CertificateRevocation',
    metadata: { name: serial },
    spec: {
      ...{ identity, issuerSerial: '0a', reason: 'keyCompromise' },
      revokedAt: '2026-01-01T00:00:00.000Z',
      notAfter: '2036-01-01T00:00:00.000Z',
    },
  };
}

/** Tells `informed` that the certificate of `revoked` is no longer good. */
function revoke(revoked: PairSide, informed: PairSide): string {
  const { svid } = revoked.identity.current;
  const serial = svid.chain[0]?.serial ?? '';
  const { facts } = informed;
  const revocations = [...facts.current.revocations, revocation(svid.id.toString(), serial)];
  facts.set({ ...facts.current, revocations });
  return serial;
}

describe.each(['hbone', 'istio-mtls'] as const)('revocation over %s', (transport) => {
  it.each([
    ['the client', 'client', CLIENT_ID],
    ['the server', 'server', SERVER_ID],
  ] as const)('of %s closes what is open and refuses what is new', async (_name, who, id) => {
    await using pair = await startPair({ transport });
    const [revoked, informed] = [pair[who], who === 'client' ? pair.server : pair.client];
    const socket = await dial(pair.outbound);
    expect(await ask(socket, 'hello')).toBe('hello');
    const ending = readToEnd(socket);
    const serial = revoke(revoked, informed);
    expect((await ending).how).toBe('reset');
    await until(() => informed.events.closed.length === 1);
    const detail = `certificate ${serial} of "${id}" was revoked at 2026-01-01T00:00:00.000Z (keyCompromise)`;
    expect(informed.events.closed[0]).toMatchObject({ reason: 'revoked', detail });

    const next = await dial(pair.outbound);
    expect((await readToEnd(next)).received.toString()).toBe('');
    await until(() => informed.events.handshakes.length > 0);
    expect(informed.events.handshakes[0]).toMatchObject({ presentedId: id, reason: detail });
  });

  it('of the authority that signed closes and refuses every chain through it', async () => {
    await using pair = await startPair({ transport });
    const socket = await dial(pair.outbound);
    expect(await ask(socket, 'hello')).toBe('hello');
    const ending = readToEnd(socket);
    const signer = pair.client.identity.current.svid.chain[1]?.serial ?? '';
    const { facts } = pair.server;
    const revocations = [revocation('spiffe://cluster.local', signer)];
    facts.set({ ...facts.current, revocations });
    expect((await ending).how).toBe('reset');
    const next = await dial(pair.outbound);
    expect((await readToEnd(next)).received.toString()).toBe('');
    await until(() => pair.server.events.handshakes.length > 0);
    const { reason } = pair.server.events.handshakes[0] ?? {};
    expect(reason).toContain(`certificate ${signer} of "spiffe://cluster.local" was revoked`);
  });

  it('is obeyed by the one that is revoked too, and ends with a new certificate', async () => {
    await using pair = await startPair({ transport });
    const { client, server } = pair;
    const socket = await dial(pair.outbound);
    await ask(socket, 'hello');
    revoke(client, client);
    await until(() => client.events.closed.length === 1);
    expect(client.events.closed[0]?.reason).toBe('revoked');
    revoke(client, server);
    client.identity.set(pair.authority.identity(CLIENT_ID));
    const next = await dial(pair.outbound);
    expect(await ask(next, 'again')).toBe('again');
    next.destroy();
  });

  it('leaves connections of other certificates alone', async () => {
    await using pair = await startPair({ transport });
    const socket = await dial(pair.outbound);
    await ask(socket, 'hello');
    const { facts } = pair.server;
    facts.set({ ...facts.current, revocations: [revocation(CLIENT_ID, 'abcdef')] });
    expect(await ask(socket, 'still there')).toBe('still there');
    socket.destroy();
  });
});

it('cuts the session that carried nothing at the time', async () => {
  await using pair = await startPair();
  const { client, server } = pair;
  const socket = await dial(pair.outbound);
  await ask(socket, 'hello');
  socket.destroy();
  await until(() => server.events.closed.length === 1);
  revoke(client, server);
  await until(() => server.events.endedSessions.length === 1);
  expect(server.events.endedSessions[0]?.reason).toContain('was revoked');
});
