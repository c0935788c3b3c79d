import { expect, it } from 'vitest';
import { testAuthority } from '../../../test/kit/test-authority.ts';
import { MeshError } from '../../lib/errors.ts';
import { handshakeHint, handshakeId, presentedCertificate, verdictOf } from './handshake-record.ts';

const client = { host: '10.0.0.1', port: 40_000 };
const server = { host: '10.0.0.2', port: 15_008 };
const [leaf] = testAuthority().issue('spiffe://cluster.local/ns/a/sa/b').chain;

it('names a handshake by its connection, the same on both ends and another for each', () => {
  expect(handshakeId(client, server)).toMatch(/^[0-9a-f]{16}$/);
  expect(handshakeId({ ...client }, { ...server })).toBe(handshakeId(client, server));
  expect(handshakeId({ ...client, port: 40_001 }, server)).not.toBe(handshakeId(client, server));
  expect(handshakeId(server, client)).not.toBe(handshakeId(client, server));
});

it('knows what was shown, and that nothing was', () => {
  expect(presentedCertificate(leaf)).toEqual({
    presentedId: 'spiffe://cluster.local/ns/a/sa/b',
    presentedSerial: leaf?.serial,
    presentedIssuer: expect.stringContaining('test intermediate'),
    presentedNotAfterMs: leaf?.notAfterMs,
  });
  expect(presentedCertificate(undefined).presentedId).toBeUndefined();
});

it('names the check that failed', () => {
  expect(verdictOf(new MeshError('ERR_PATH', 'x'))).toBe('ERR_PATH');
  expect(verdictOf(new Error('alert'))).toBe('ERR_TLS');
});

it.each([
  ['ERR_TLS', 0, /other side's record with the same handshakeId/],
  ['ERR_PATH', 0, /who runs the authority .*test intermediate/],
  ['ERR_PATH', Number.MAX_SAFE_INTEGER, /could not renew/],
  ['ERR_UNAUTHENTICATED', 0, /serviceAccount of the WorkloadEntry/],
] as const)('says what to do about %s', (verdict, nowMs, hint) => {
  expect(handshakeHint(verdict, presentedCertificate(leaf), nowMs)).toMatch(hint);
});
