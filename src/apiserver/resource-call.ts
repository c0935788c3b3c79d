import { quote } from '../resources/field-problem.ts';
import {
  inVersion,
  type KindDefinition,
  qualifiedKind,
  verbsOf,
} from '../resources/kind-definition.ts';
import type { KindRegistry } from '../resources/kind-registry.ts';
import type { ResourceKey } from '../resources/resource.ts';
import type { ApiRequest } from './api-request.ts';
import type { ResourceTarget } from './request-target.ts';
import { apiVersionOf } from './served-kinds.ts';
import { badRequest, type GroupResource, noSuchPath, StatusError } from './status-error.ts';

/** A request about resources of a kind that is served. */
export interface ResourceCall {
  readonly request: ApiRequest;
  readonly target: ResourceTarget;
  readonly definition: KindDefinition;
  /** Of the path, such as `v1`. */
  readonly version: string;
  readonly apiVersion: string;
  /** For messages. */
  readonly what: GroupResource;
  /** In what the kind is stored under. */
  readonly kind: string;
  /** What the client is told beside the answer, one line of text each. */
  readonly warnings: string[];
}

/** @throws {StatusError} NotFound when no such kind is served at that path. */
export function resourceCall(
  request: ApiRequest,
  target: ResourceTarget,
  kinds: KindRegistry,
): ResourceCall {
  const { group, version, resource, namespace } = target;
  const definition = kinds.byPlural(group, resource);
  if (definition === undefined || !definition.versions.includes(version)) throw noSuchPath();
  if (namespace !== undefined && !definition.namespaced) throw noSuchPath();
  if (target.name !== undefined && namespace === undefined && definition.namespaced) {
    throw noSuchPath();
  }
  const { deprecation } = inVersion(definition, version);
  return {
    request,
    target,
    definition,
    version,
    apiVersion: apiVersionOf(group, version),
    what: { group, resource: definition.plural },
    kind: qualifiedKind(definition),
    warnings: deprecation === undefined ? [] : [deprecation],
  };
}

/** The verb of RBAC for a request about resources. */
export function verbOf(request: ApiRequest, target: ResourceTarget): string {
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      if (target.name !== undefined) return 'get';
      return isWatch(request) ? 'watch' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return target.name === undefined ? 'deletecollection' : 'delete';
    default:
      return request.method.toLowerCase();
  }
}

function isWatch({ query }: Pick<ApiRequest, 'query'>): boolean {
  const value = query.get('watch');
  return value !== null && /^(?:1|t|true|)$/i.test(value);
}

/** @throws {StatusError} Forbidden or MethodNotAllowed when the kind is not to be asked for that. */
export function requireVerb({ definition, target, what }: ResourceCall, verb: string): void {
  if (target.subresource !== undefined) return;
  const { writtenBy, instead } = definition;
  const reads = verb === 'get' || verb === 'list' || verb === 'watch';
  if (writtenBy !== undefined && !reads) {
    throw new StatusError(
      'Forbidden',
      `${definition.kind} objects are written by ${writtenBy} only${instead === undefined ? '' : `; ${instead}`}`,
      { kind: what.resource, group: what.group },
    );
  }
  const verbs: readonly string[] = verbsOf(definition);
  if (!verbs.includes(verb)) throw methodNotAllowed();
}

export function methodNotAllowed(): StatusError {
  return new StatusError(
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}

/** The key of the one object that the path names. */
export function keyOfCall({ kind, target }: ResourceCall): ResourceKey {
  const { name, namespace } = target;
  if (name === undefined) throw badRequest('name must be provided');
  return namespace === undefined ? { kind, name } : { kind, namespace, name };
}

/** @throws {StatusError} BadRequest when a number in the query is none. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw badRequest(`${name}: Invalid value: ${quote(text)}: must be a whole number`);
}
