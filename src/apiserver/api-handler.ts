import type { ApiContext } from './api-context.ts';
import { type ApiAnswer, type ApiRequest, jsonAnswer } from './api-request.ts';
import { yamlWhereWanted } from './bodies/yaml-answer.ts';
import { OpenApiDocuments } from './discovery/openapi.ts';
import type { HealthCheck } from './health-checks.ts';
import { answerOperatorPath, OPERATOR_ROOT, type OperatorRoutes } from './operator-paths.ts';
import { parseFieldQuery } from './reads/field-query.ts';
import { getObject, listObjects } from './reads/read-objects.ts';
import { watchObjects } from './reads/watch-objects.ts';
import { parseTarget, type RequestTarget } from './request-target.ts';
import {
  methodNotAllowed,
  type ResourceCall,
  requireVerb,
  resourceCall,
  verbOf,
} from './resource-call.ts';
import type { Attributes } from './rights/authorizer.ts';
import { refusalText } from './rights/rbac-authorizer.ts';
import { scaleSubresource } from './scale.ts';
import type { ServedDocument } from './server-paths.ts';
import { forbidden, noSuchPath, StatusError, statusOf } from './status-error.ts';
import type { Subresource } from './subresource.ts';
import { createObject } from './writes/create-object.ts';
import { deleteCollection, deleteObject } from './writes/delete-object.ts';
import { patchObject, replaceObject } from './writes/update-object.ts';

/** Answers requests whose sender is known. Never rejects: what goes wrong is answered as a Status. */
export type ApiHandler = (request: ApiRequest) => Promise<ApiAnswer>;

export interface ApiHandlerOptions {
  readonly context: ApiContext;
  /** What is served below resources beyond their status, by `<plural>.<group>/<name>`. */
  readonly subresources: Readonly<Record<string, Subresource>>;
  /** What is served below the resources of every kind, by name. */
  readonly everyKind?: Readonly<Record<string, Subresource>>;
  /** What the control plane answers about itself. */
  readonly operator?: OperatorRoutes;
  /** Kinds that are questions, by `<plural>.<group>`. */
  readonly questions: Readonly<Record<string, Subresource>>;
  /** What is served beside the API, by path: OpenID Connect discovery. */
  readonly others?: (path: string) => ServedDocument | undefined;
  /** What `/readyz` looks at. */
  readonly ready?: readonly HealthCheck[];
  /** Told of what was no refusal but a fault of ours. */
  readonly failed: (error: unknown) => void;
}

export function apiHandler(options: ApiHandlerOptions): ApiHandler {
  const { context, failed } = options;
  const documents = new OpenApiDocuments(context.kinds);
  return async (request) => {
    let call: ResourceCall | undefined;
    try {
      const target = parseTarget(request.path);
      if (target === undefined) throw noSuchPath();
      await authorize(request, target, context);
      if (target.at === 'resource') {
        call = resourceCall(request, target, context.kinds);
        const answered = yamlWhereWanted(await answer(call, options), request.headers['accept']);
        return withWarnings(answered, call.warnings);
      }
      return await serverAnswer(target, request, { ...options, documents });
    } catch (error) {
      const status = statusOf(error);
      if (status.code === 500) failed(error);
      return withWarnings(errorAnswer(status), call?.warnings ?? []);
    }
  };
}

/** What is about the server and not about resources. */
async function serverAnswer(
  target: Exclude<RequestTarget, { readonly at: 'resource' }>,
  request: ApiRequest,
  parts: ApiHandlerOptions & { readonly documents: OpenApiDocuments },
): Promise<ApiAnswer> {
  if (target.at === 'other' && target.path.startsWith(`${OPERATOR_ROOT}/`)) {
    return answerOperatorPath(target.path, request, parts.operator ?? {});
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
  const { answerServerPath } = await import('./server-paths.ts');
  return answerServerPath(target, request, parts);
}

/** A Status as an answer, with Retry-After where it says when. */
export function errorAnswer(status: ReturnType<typeof statusOf>): ApiAnswer {
  const answered = jsonAnswer(status, status.code);
  const seconds = status.details?.retryAfterSeconds;
  if (seconds === undefined) return answered;
  return { ...answered, headers: { ...answered.headers, 'retry-after': String(seconds) } };
}

async function answer(call: ResourceCall, options: ApiHandlerOptions): Promise<ApiAnswer> {
  const { context } = options;
  const { definition, target, request, what } = call;
  const verb = verbOf(request, target);
  if (definition.origin === 'answer') {
    const question = options.questions[`${what.resource}.${what.group}`];
    if (question === undefined || verb !== 'create') throw methodNotAllowed();
    return question(call, context);
  }
  if (target.subresource !== undefined && target.subresource !== 'status') {
    const served =
      target.subresource === 'scale'
        ? scaleSubresource
        : (options.subresources[`${what.resource}.${what.group}/${target.subresource}`] ??
          options.everyKind?.[target.subresource]);
    if (served === undefined) throw noSuchPath();
    return served(call, context);
  }
  if (target.subresource === 'status' && definition.subresources?.status !== true) {
    throw noSuchPath();
  }
  requireVerb(call, verb);
  return dispatch(verb, call, context);
}

function dispatch(verb: string, call: ResourceCall, context: ApiContext): Promise<ApiAnswer> {
  const named = call.target.name !== undefined;
  switch (verb) {
    case 'get':
      return getObject(call, context);
    case 'list':
      return listObjects(call, context);
    case 'watch':
      return watchObjects(call, context);
    case 'create':
      if (named) throw methodNotAllowed();
      return createObject(call, context);
    case 'update':
      if (!named) throw methodNotAllowed();
      return replaceObject(call, context);
    case 'patch':
      if (!named) throw methodNotAllowed();
      return patchObject(call, context);
    case 'delete':
      return deleteObject(call, context);
    case 'deletecollection':
      return deleteCollection(call, context);
    default:
      throw methodNotAllowed();
  }
}

async function authorize(
  request: ApiRequest,
  target: RequestTarget,
  { authorizer }: ApiContext,
): Promise<void> {
  const attributes = attributesOf(request, target);
  const verdict = await authorizer.authorize(request.user, attributes);
  if (verdict.allowed) return;
  const reason = refusalText(request.user, attributes);
  if (attributes.on === 'path') throw new StatusError('Forbidden', `forbidden: ${reason}`, {});
  const { group, resource, name } = attributes;
  throw forbidden({ group, resource }, name, reason);
}

/** What a request wants to do, as RBAC asks it. */
function attributesOf(request: ApiRequest, target: RequestTarget): Attributes {
  if (target.at !== 'resource') {
    return { on: 'path', verb: request.method.toLowerCase(), path: request.path };
  }
  const { group, resource, subresource = '', namespace = '' } = target;
  const common = { on: 'resource', group, resource, subresource } as const;
  const name = target.name ?? selectedName(request);
  // A namespace is in itself, so that who has rights in it may look at it.
  const inside = group === '' && resource === 'namespaces' ? (target.name ?? '') : namespace;
  return { ...common, verb: verbOf(request, target), namespace: inside, name };
}

function selectedName({ query, method }: ApiRequest): string {
  if (method !== 'GET') return '';
  const text = query.get('fieldSelector');
  if (text === null || !/^metadata\.name=[^,=!]+$/.test(text)) return '';
  return parseFieldQuery(text).name ?? '';
}

/** RFC 7234 5.5, as Kubernetes writes it; kubectl prints them. */
function withWarnings(answered: ApiAnswer, warnings: readonly string[]): ApiAnswer {
  if (warnings.length === 0) return answered;
  const texts = [...new Set(warnings)].map((text) => `299 - ${quoted(text)}`);
  return { ...answered, headers: { ...answered.headers, warning: texts.join(', ') } };
}

const LONGEST_WARNING = 256;

function quoted(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, LONGEST_WARNING);
  return `"${plain.replaceAll(/["\\]/g, '\\$&')}"`;
}
