import type { Resource } from '../../resources/resource.ts';
import type { ApiContext } from '../api-context.ts';
import { type ApiAnswer, jsonTextAnswer } from '../api-request.ts';
import type { JsonObject } from '../bodies/json-object.ts';
import { inApiVersion, objectJson } from '../bodies/object-json.ts';
import { keyOfCall, type ResourceCall, wholeNumber } from '../resource-call.ts';
import { expired, tooLarge, wishedVersion } from '../resource-version.ts';
import { withAggregatedRules } from '../rights/aggregated-roles.ts';
import { badRequest, notFound } from '../status-error.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import { type ObjectQuery, objectQuery } from './object-query.ts';
import { chooseRepresentation, contentTypeOf, type Representation } from './representation.ts';
import type { Snapshot } from './snapshots.ts';
import { partialObject, type TableOptions, tableOf, tableRow } from './table.ts';

/** The one object that a path names, as it is stored or derived. */
export async function findObject(
  call: ResourceCall,
  { store, derived }: ApiContext,
): Promise<Resource | undefined> {
  const key = keyOfCall(call);
  if (call.definition.origin !== 'derived') return store.get(key);
  const all = await derived.list(call.definition, key.namespace);
  return all.find(({ metadata }) => metadata.name === key.name);
}

/** @throws {StatusError} NotFound. */
export async function requireObject(call: ResourceCall, context: ApiContext): Promise<Resource> {
  const found = await findObject(call, context);
  if (found === undefined) throw notFound(call.what, call.target.name ?? '');
  return found;
}

/** GET of one object. */
export async function getObject(call: ResourceCall, context: ApiContext): Promise<ApiAnswer> {
  const representation = chooseRepresentation(call.request.headers['accept']);
  const found = await requireObject(call, context);
  const [shown = found] = await withAggregatedRules([found], context.store);
  return objectAnswer(shown, { call, context, representation });
}

/** One object in the form that the client takes. */
export function objectAnswer(
  resource: Resource,
  {
    call,
    context,
    representation,
    status = 200,
  }: {
    readonly call: ResourceCall;
    readonly context: ApiContext;
    readonly representation: Representation;
    readonly status?: number;
  },
): ApiAnswer {
  const type = contentTypeOf(representation);
  if (representation.as === 'object') {
    return jsonTextAnswer(objectJson(resource, call.apiVersion), { status, type });
  }
  const shown = inApiVersion(resource, call.apiVersion);
  if (representation.as === 'partial') {
    return jsonTextAnswer(JSON.stringify(partialObject(shown, representation.version)), {
      status,
      type,
    });
  }
  const options = tableOptions(call, context, representation.version);
  const { resourceVersion = '' } = resource.metadata;
  const table = tableOf([tableRow(shown, options)], { resourceVersion }, options);
  return jsonTextAnswer(JSON.stringify(table), { status, type });
}

export function tableOptions(
  { definition, version, request }: ResourceCall,
  { clock }: Pick<ApiContext, 'clock'>,
  tableVersion: 'v1' | 'v1beta1',
): TableOptions {
  const wished = request.query.get('includeObject') ?? 'Metadata';
  if (wished !== 'None' && wished !== 'Metadata' && wished !== 'Object') {
    throw badRequest(`includeObject: Unsupported value: ${JSON.stringify(wished)}`);
  }
  return { definition, version, tableVersion, includeObject: wished, nowMs: clock.now() };
}

/** One page of a list. */
interface Page {
  readonly items: readonly Resource[];
  readonly version: number;
  readonly continue: string | undefined;
  readonly remaining: number | undefined;
}

/** GET of a collection. */
export async function listObjects(call: ResourceCall, context: ApiContext): Promise<ApiAnswer> {
  const representation = chooseRepresentation(call.request.headers['accept']);
  const query = objectQuery(call);
  // A list takes no time to speak of, but a number that is none is a mistake that its sender should see.
  wholeNumber(call.request.query, 'timeoutSeconds');
  const page = await readPage(call, query, context);
  const metadata: JsonObject = {
    resourceVersion: String(page.version),
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  const items = await withAggregatedRules(page.items, context.store);
  return jsonTextAnswer(listText(items, metadata, { call, context, representation }), {
    type: contentTypeOf(representation),
  });
}

function listText(
  items: readonly Resource[],
  metadata: JsonObject,
  options: {
    readonly call: ResourceCall;
    readonly context: ApiContext;
    readonly representation: Representation;
  },
): string {
  const { call, context, representation } = options;
  const { definition, apiVersion } = call;
  if (representation.as === 'table') {
    const table = tableOptions(call, context, representation.version);
    const rows = items.map((item) => tableRow(inApiVersion(item, apiVersion), table));
    return JSON.stringify(tableOf(rows, metadata, table));
  }
  if (representation.as === 'partial') {
    const { version } = representation;
    const list = {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${version}`,
      metadata,
    };
    return JSON.stringify({ ...list, items: items.map((item) => partialObject(item, version)) });
  }
  const kind = definition.listKind ?? `${definition.kind}List`;
  const head = JSON.stringify({ kind, apiVersion, metadata }).slice(0, -1);
  return `${head},"items":[${items.map((item) => objectJson(item, apiVersion)).join(',')}]}`;
}

async function readPage(
  call: ResourceCall,
  query: ObjectQuery,
  context: ApiContext,
): Promise<Page> {
  const limit = wholeNumber(call.request.query, 'limit') ?? 0;
  const token = call.request.query.get('continue') ?? '';
  const from = token === '' ? undefined : decodeContinue(token);
  const key = `${call.kind}/${query.namespace ?? ''}`;
  const snapshot =
    from === undefined || from.version === 0
      ? await present(call, query, context)
      : (context.snapshots.find(key, from.version) ??
        (await samePresent(call, query, { context, from })));
  const after = from?.after ?? '';
  const rest = snapshot.items.filter((item) => query.matches(item) && placeOf(item) > after);
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const last = items.at(-1);
  if (items.length === rest.length || last === undefined) {
    return { items, version: snapshot.version, continue: undefined, remaining: undefined };
  }
  context.snapshots.keep(key, snapshot);
  return {
    items,
    version: snapshot.version,
    continue: encodeContinue({ version: snapshot.version, after: placeOf(last) }),
    remaining: query.selects ? undefined : rest.length - items.length,
  };
}

/** The newest state, if it satisfies what the request says of versions. */
export async function present(
  call: ResourceCall,
  query: ObjectQuery,
  { store, derived }: ApiContext,
): Promise<Snapshot> {
  const wished = wishedVersion(call.request);
  const { version } = store;
  if (wished.version !== 'newest') {
    if (wished.version > version) throw tooLarge(wished.version, version);
    if (wished.match === 'exact' && wished.version !== version) {
      throw expired(`The resourceVersion for the provided list is too old: ${wished.version}`);
    }
  }
  if (call.definition.origin === 'derived') {
    return { items: await derived.list(call.definition, query.namespace), version };
  }
  if (query.name !== undefined && query.namespace !== undefined) {
    const { name, namespace } = query;
    const found = await store.get({ kind: call.kind, namespace, name });
    return { items: found === undefined ? [] : [found], version };
  }
  return store.list(call.kind, query.namespace);
}

/** A page of a list that is kept no longer can still be had while nothing has changed since. */
async function samePresent(
  call: ResourceCall,
  query: ObjectQuery,
  {
    context,
    from,
  }: {
    readonly context: ApiContext;
    readonly from: { readonly version: number; readonly after: string };
  },
): Promise<Snapshot> {
  if (context.store.version === from.version) return context.store.list(call.kind, query.namespace);
  throw expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    encodeContinue({ version: 0, after: from.after }),
  );
}

/** One text a place, in the order of lists. */
function placeOf({ metadata: { namespace = '', name } }: Resource): string {
  return `${namespace}\0${name}`;
}
