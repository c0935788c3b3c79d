import { quote } from '../../resources/field-problem.ts';
import type { Resource } from '../../resources/resource.ts';
import type { ApiContext } from '../api-context.ts';
import { fieldIn, isJsonObject } from '../bodies/json-object.ts';
import { badRequest, conflict, notFound } from '../status-error.ts';

/** An object that a token is bound to: the token is void when that is gone. */
export interface BoundObject {
  readonly kind: 'Pod' | 'Secret';
  readonly name: string;
  readonly uid: string;
}

/**
 * The object that a TokenRequest for `account` binds the token to; undefined when it binds it to none.
 *
 * @throws {StatusError} NotFound, Conflict for another uid, BadRequest for what no token can be bound to.
 */
export async function boundObject(
  reference: unknown,
  account: Resource,
  { store, kinds, derived }: Pick<ApiContext, 'store' | 'kinds' | 'derived'>,
): Promise<BoundObject | undefined> {
  if (!isJsonObject(reference)) return undefined;
  const text = (key: string): string => String(fieldIn(reference, key) ?? '');
  const [kind, name, uid] = [text('kind'), text('name'), text('uid')];
  const apiVersion = text('apiVersion') || 'v1';
  const { namespace = '' } = account.metadata;
  if (apiVersion !== 'v1' || (kind !== 'Pod' && kind !== 'Secret')) {
    throw badRequest(
      `cannot bind token to object of type ${apiVersion}, Kind=${kind}: bind it to a Pod or a Secret`,
    );
  }
  const what = { group: '', resource: kind === 'Pod' ? 'pods' : 'secrets' };
  const definition = kinds.byQualifiedKind('Pod');
  const found =
    kind === 'Secret'
      ? await store.get({ kind, namespace, name })
      : definition &&
        (await derived.list(definition, namespace)).find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw notFound(what, name);
  const own = found.metadata.uid ?? '';
  if (uid !== '' && uid !== own) {
    throw conflict(
      what,
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  const runsAs = fieldIn(found['spec'], 'serviceAccountName');
  if (kind === 'Pod' && runsAs !== account.metadata.name) {
    throw badRequest(
      `cannot bind token for serviceaccount ${quote(account.metadata.name)} to pod running with different serviceaccount name.`,
    );
  }
  return { kind, name, uid: own };
}
