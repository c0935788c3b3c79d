import type { ApiContext } from './api-context.ts';
import { type ApiAnswer, type ApiRequest, jsonAnswer } from './api-request.ts';
import { parseAccept, takesJson } from './bodies/media-type.ts';
import {
  aggregatedDiscovery,
  coreVersions,
  groupDocument,
  groupList,
  resourceList,
} from './discovery/discovery.ts';
import {
  OPENAPI_V2,
  OPENAPI_V2_ANSWER,
  OPENAPI_V2_TYPE,
  type OpenApiDocument,
  type OpenApiDocuments,
} from './discovery/openapi.ts';
import { answerHealth, type HealthCheck } from './health-checks.ts';
import { notAcceptable } from './reads/representation.ts';
import type { RequestTarget } from './request-target.ts';
import { noSuchPath } from './status-error.ts';

/** Of Kubernetes, whose clients decide by it what they may ask for. */
const GIT_VERSION = 'v1.32.5';

/** A document that is as good for all who may read it. */
export interface ServedDocument {
  readonly contentType: string;
  readonly body: string;
  /** Seconds for which it may be kept. */
  readonly maxAgeS: number;
}

function servedDocument(document: ServedDocument | undefined): ApiAnswer | undefined {
  if (document === undefined) return undefined;
  const { contentType, body, maxAgeS } = document;
  const headers = { 'content-type': contentType, 'cache-control': `public, max-age=${maxAgeS}` };
  return { status: 200, headers, body };
}

/** The paths that are about the server and not about resources. */
export function answerServerPath(
  target: Exclude<RequestTarget, { at: 'resource' }>,
  request: ApiRequest,
  parts: {
    readonly context: ApiContext;
    readonly documents: OpenApiDocuments;
    readonly others?: ((path: string) => ServedDocument | undefined) | undefined;
    readonly ready?: readonly HealthCheck[];
  },
): ApiAnswer {
  const { kinds } = parts.context;
  switch (target.at) {
    case 'core-versions':
      return discoveryAnswer(request, parts.context, true);
    case 'groups':
      return discoveryAnswer(request, parts.context, false);
    case 'group':
      return jsonAnswer(existing(groupDocument(kinds, target.group)));
    case 'group-version':
      return jsonAnswer(existing(resourceList(kinds, target)));
    case 'other':
      return (
        servedDocument(parts.others?.(target.path)) ??
        answerHealth({ path: target.path, query: request.query }, parts.ready ?? []) ??
        otherPath(target.path, request, parts.documents)
      );
  }
}

function existing<T>(document: T | undefined): T {
  if (document === undefined) throw noSuchPath();
  return document;
}

/** Aggregated where the client takes that, else in the old form. */
function discoveryAnswer(request: ApiRequest, { kinds }: ApiContext, core: boolean): ApiAnswer {
  for (const range of parseAccept(request.headers['accept'])) {
    const { as, g, v } = range.parameters;
    if (
      as === 'APIGroupDiscoveryList' &&
      g === 'apidiscovery.k8s.io' &&
      (v === 'v2' || v === 'v2beta1')
    ) {
      const type = `application/json;g=apidiscovery.k8s.io;v=${v};as=APIGroupDiscoveryList`;
      const body = JSON.stringify(aggregatedDiscovery(kinds, { core, version: v }));
      return { status: 200, headers: { 'content-type': type, vary: 'Accept' }, body };
    }
    if (takesJson(range)) break;
  }
  return jsonAnswer(core ? coreVersions(request.headers['host'] ?? '') : groupList(kinds));
}

function otherPath(path: string, request: ApiRequest, documents: OpenApiDocuments): ApiAnswer {
  switch (path) {
    case '/version':
      return jsonAnswer(version());
    case '/openapi/v2':
      return openApiV2(request);
    case '/openapi/v3':
      return documentAnswer(documents.index(), request);
    case '/':
      return jsonAnswer({
        paths: [
          '/api',
          '/apis',
          '/healthz',
          '/livez',
          '/openapi/v2',
          '/openapi/v3',
          '/readyz',
          '/version',
        ],
      });
    default:
      if (!path.startsWith('/openapi/v3/')) throw noSuchPath();
      return documentAnswer(
        existing(documents.groupVersion(path.slice('/openapi/v3/'.length))),
        request,
      );
  }
}

function openApiV2({ headers }: ApiRequest): ApiAnswer {
  const wanted = parseAccept(headers['accept']).some(
    ({ type, subtype }) => `${type}/${subtype}` === OPENAPI_V2_TYPE.toLowerCase() || type === '*',
  );
  if (!wanted) throw notAcceptable([OPENAPI_V2_TYPE]);
  return { status: 200, headers: { 'content-type': OPENAPI_V2_ANSWER }, body: OPENAPI_V2 };
}

function documentAnswer(
  { body, hash }: OpenApiDocument,
  { headers, query }: ApiRequest,
): ApiAnswer {
  const asked = query.get('hash');
  const common = {
    etag: `"${hash}"`,
    vary: 'Accept',
    // A path with the right hash in it never means anything else.
    ...(asked === hash ? { 'cache-control': 'public, immutable' } : {}),
  };
  if (headers['if-none-match'] === common.etag) return { status: 304, headers: common, body: '' };
  return { status: 200, headers: { ...common, 'content-type': 'application/json' }, body };
}

function version(): object {
  return {
    major: '1',
    minor: '32',
    gitVersion: GIT_VERSION,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: `node ${process.versions.node}`,
    compiler: 'hauberk',
    platform: `${process.platform}/${process.arch}`,
  };
}
