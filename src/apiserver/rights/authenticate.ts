import { StatusError } from '../status-error.ts';
import type { Attributes, Authorizer } from './authorizer.ts';
import { refusalText } from './rbac-authorizer.ts';
import {
  anonymous,
  authenticated,
  serviceAccountOf,
  serviceAccountUser,
  type UserInfo,
} from './user-info.ts';

/** What a connection and a request bring along to say who asks. */
export interface Credentials {
  /** Of a client certificate: undefined without one, `trusted: false` for one that our CA did not sign. */
  readonly certificate:
    | {
        readonly trusted: boolean;
        readonly commonName: string;
        readonly organizations: readonly string[];
      }
    | undefined;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** The user that a bearer token stands for; undefined when it is none of ours, expired or revoked. */
export type TokenAuthenticator = (
  token: string,
  audiences?: readonly string[],
) => Promise<UserInfo | undefined>;

export interface Caller {
  readonly user: UserInfo;
  readonly impersonatedBy: UserInfo | undefined;
}

/**
 * Who asks. A certificate counts before a token; without either the caller is anonymous.
 *
 * @throws {StatusError} Unauthorized for credentials that are not good; Forbidden for those who may not
 *   act as another.
 */
export async function authenticate(
  credentials: Credentials,
  { tokens, authorizer }: { readonly tokens: TokenAuthenticator; readonly authorizer: Authorizer },
): Promise<Caller> {
  const self = await ownIdentity(credentials, tokens);
  const wished = wishedUser(credentials.headers);
  if (wished === undefined) return { user: self, impersonatedBy: undefined };
  for (const attributes of impersonationAttributes(wished)) {
    const verdict = await authorizer.authorize(self, attributes);
    if (verdict.allowed) continue;
    const { resource, name, group } = attributes;
    const qualified = group === '' ? resource : `${resource}.${group}`;
    throw new StatusError(
      'Forbidden',
      `${qualified} ${JSON.stringify(name)} is forbidden: ${refusalText(self, attributes)}`,
      { name, kind: resource, ...(group === '' ? {} : { group }) },
    );
  }
  return { user: wished, impersonatedBy: self };
}

async function ownIdentity(
  { certificate, headers }: Credentials,
  tokens: TokenAuthenticator,
): Promise<UserInfo> {
  if (certificate !== undefined) {
    if (!certificate.trusted || certificate.commonName === '') throw unauthorized();
    return authenticated({ name: certificate.commonName, groups: certificate.organizations });
  }
  const header = headers['authorization'];
  if (header === undefined) return anonymous;
  const token = /^Bearer +([\x21-\x7e]{1,16384})$/i.exec(header)?.[1];
  const user = token === undefined ? undefined : await tokens(token);
  if (user === undefined) throw unauthorized();
  return user;
}

function unauthorized(): StatusError {
  return new StatusError('Unauthorized', 'Unauthorized');
}

const EXTRA = 'impersonate-extra-';

function wishedUser(headers: Credentials['headers']): UserInfo | undefined {
  const name = headers['impersonate-user'] ?? '';
  const groups = (headers['impersonate-group'] ?? '')
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '');
  const extra = Object.entries(headers).filter(([key]) => key.startsWith(EXTRA));
  const uid = headers['impersonate-uid'] ?? '';
  if (name === '') {
    if (groups.length === 0 && extra.length === 0 && uid === '') return undefined;
    throw new StatusError('BadRequest', 'requested impersonation without impersonating a user');
  }
  const account = serviceAccountOf(name);
  const base =
    account !== undefined && groups.length === 0
      ? serviceAccountUser(account.namespace, account.name)
      : authenticated({ name, groups });
  return {
    ...(name === anonymous.name && groups.length === 0 ? anonymous : base),
    ...(uid === '' ? {} : { uid }),
    ...(extra.length === 0
      ? {}
      : {
          extra: Object.fromEntries(
            extra.map(([key, value = '']) => [key.slice(EXTRA.length), [value]]),
          ),
        }),
  };
}

type ResourceAttributes = Extract<Attributes, { on: 'resource' }>;

function impersonationAttributes({
  name,
  groups,
  uid,
  extra = {},
}: UserInfo): readonly ResourceAttributes[] {
  const account = serviceAccountOf(name);
  const ask = (resource: string, of: string, group = '', subresource = ''): ResourceAttributes => ({
    on: 'resource',
    verb: 'impersonate',
    group,
    resource,
    subresource,
    namespace: resource === 'serviceaccounts' ? (account?.namespace ?? '') : '',
    name: of,
  });
  // Those groups that come with being such a user need no right of their own.
  const implied =
    account === undefined ? [] : serviceAccountUser(account.namespace, account.name).groups;
  const asked = groups.filter(
    (group) => !implied.includes(group) && group !== 'system:authenticated',
  );
  return [
    account === undefined ? ask('users', name) : ask('serviceaccounts', account.name),
    ...asked.map((group) => ask('groups', group)),
    ...(uid === undefined ? [] : [ask('uids', uid, 'authentication.k8s.io')]),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => ask('userextras', value, 'authentication.k8s.io', key)),
    ),
  ];
}
