import { expect, it } from 'vitest';
import { testAuthority } from '../../test/kit/test-authority.ts';
import type { ApiAccess } from './api-access.ts';
import { connectionError, credentialProblem } from './explain-connection.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;

const access = (credentials: ApiAccess['credentials']): ApiAccess => ({
  ...{ server: new URL('https://10.0.0.5:6443'), ca: undefined, serverName: undefined },
  ...{ credentials, impersonate: undefined, namespace: undefined, source: '/etc/kubeconfig' },
});

function certificate(): ApiAccess['credentials'] {
  const authority = testAuthority({ nowMs: NOW_MS });
  const { cert, key } = authority.pems(authority.issue('spiffe://cluster.local/ns/a/sa/b'));
  return { by: 'certificate', cert, key };
}

it.each<[string, ApiAccess['credentials'], number, RegExp]>([
  ['none', { by: 'nothing' }, NOW_MS, /has no client certificate and no token/],
  ['a token', { by: 'token', token: 'x' }, NOW_MS, /kubectl create token/],
  ['an expired certificate', certificate(), NOW_MS + 30 * DAY_MS, /has expired at 2026-06/],
  ['one of tomorrow', certificate(), NOW_MS - 30 * DAY_MS, /is the clock of this machine right\?/],
  ['another CA’s', certificate(), NOW_MS + 60_000, /CA of API clients has been replaced/],
])('says of a caller who is not let in with %s what to do', (_, credentials, nowMs, sentence) => {
  expect(credentialProblem(access(credentials), nowMs)).toMatch(sentence);
});

it.each([
  ['ECONNREFUSED', /start it with `hauberk up`/],
  ['SELF_SIGNED_CERT_IN_CHAIN', /is not of the CA in \/etc\/kubeconfig/],
  ['CERT_HAS_EXPIRED', /has expired, or the clock/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', /--api-listen/],
  ['ENOTFOUND', /is not known/],
  ['EPROTO', /cannot be asked: EPROTO/],
])('says of %s what to do', (code, sentence) => {
  const error = connectionError(Object.assign(new Error('x'), { code }), access({ by: 'nothing' }));
  expect(error).toMatchObject({
    code: 'ERR_UNREACHABLE',
    message: expect.stringMatching(sentence),
  });
});
