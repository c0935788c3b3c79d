/**
 * Every namespace that an identity without `spiffe://` is of: the path segments behind `ns`, but for the
 * last of the identity. Nearly always one.
 */
export function namespacesIn(identity: string): string | readonly string[] {
  const space = identity.indexOf('/ns/');
  if (space > 0 && !identity.startsWith('ns/') && identity.indexOf('/ns/', space + 3) === -1) {
    const end = identity.indexOf('/', space + 4);
    return end === -1 ? [] : identity.slice(space + 4, end);
  }
  return segmentsBehind(identity.slice(0, identity.lastIndexOf('/') + 1), 'ns');
}

/** Every service account that it can be of: the segments behind `sa`. Nearly always one. */
export function accountsIn(identity: string): string | readonly string[] {
  const account = identity.lastIndexOf('/sa/');
  const isOnly = identity.indexOf('/sa/') === account && !identity.startsWith('sa/');
  return account > 0 && isOnly && identity.indexOf('/', account + 4) === -1
    ? identity.slice(account + 4)
    : segmentsBehind(identity, 'sa');
}

function segmentsBehind(identity: string, name: string): readonly string[] {
  return identity.split('/').filter((_, index, all) => all[index - 1] === name);
}
