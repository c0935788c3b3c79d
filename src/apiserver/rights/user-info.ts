/** Who asks, as it was authenticated. */
export interface UserInfo {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** May do everything, whatever roles say: the way back in when they are wrong. */
export const MASTERS = 'system:masters';
export const AUTHENTICATED = 'system:authenticated';
export const UNAUTHENTICATED = 'system:unauthenticated';
const ALL_SERVICE_ACCOUNTS = 'system:serviceaccounts';

export const anonymous: UserInfo = { name: 'system:anonymous', groups: [UNAUTHENTICATED] };

/** A user who proved who it is: in the group of all who did. */
export function authenticated(user: UserInfo): UserInfo {
  return user.groups.includes(AUTHENTICATED)
    ? user
    : { ...user, groups: [...user.groups, AUTHENTICATED] };
}

/** The user that a service account is. */
export function serviceAccountUser(namespace: string, name: string, uid?: string): UserInfo {
  return authenticated({
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: [ALL_SERVICE_ACCOUNTS, `${ALL_SERVICE_ACCOUNTS}:${namespace}`],
    ...(uid === undefined ? {} : { uid }),
  });
}

/** The account behind a user of that form. */
export function serviceAccountOf(
  userName: string,
): { readonly namespace: string; readonly name: string } | undefined {
  const match = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(userName);
  if (match === null) return undefined;
  const [, namespace = '', name = ''] = match;
  return { namespace, name };
}
