import { type Static, Type } from 'typebox';
import {
  duration,
  flag,
  int32,
  list,
  map,
  nullable,
  real,
  text,
  textMap,
  texts,
  uint32,
  word,
} from '../fields.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed, closedOrEmpty, status } from '../schema.ts';
import { atMostOne } from '../schema-keywords.ts';

const UINT32_MAX = 4_294_967_295;

const stringMatch = lazy(() =>
  Type.Object(
    {
      exact: text('The whole text.'),
      prefix: text('How the text begins.'),
      regex: text('A regular expression of RE2 for the whole text.'),
    },
    {
      additionalProperties: false,
      description: 'How a text is compared; by case.',
      ...atMostOne(['exact', 'prefix', 'regex']),
    },
  ),
);

const destination = lazy(() =>
  closed(
    {
      host: Type.String({ description: 'The service; a short name is one of this namespace.' }),
      subset: text('A subset of it that a DestinationRule names.'),
      port: Type.Optional(
        closed({ number: uint32('Its number.') }, 'Port of the service, where it has several.'),
      ),
    },
    'Where calls go.',
  ),
);

const headerOperations = lazy(() =>
  closed(
    {
      set: textMap('Headers that get this value.'),
      add: textMap('Values that headers get beside those that they have.'),
      remove: texts('Headers that go.'),
    },
    'What becomes of headers.',
  ),
);
const headers = lazy(() =>
  closed(
    {
      request: Type.Optional(headerOperations()),
      response: Type.Optional(headerOperations()),
    },
    'Changes of headers.',
  ),
);

const percent = lazy(() => closed({ value: real('From 0 to 100.') }, 'A share of the calls.'));

const httpMatch = lazy(() =>
  closed(
    {
      name: text('Name of the match, for people.'),
      uri: Type.Optional(stringMatch()),
      scheme: Type.Optional(stringMatch()),
      method: Type.Optional(stringMatch()),
      authority: Type.Optional(stringMatch()),
      headers: map(stringMatch(), 'Headers, in lower case; an empty match means that it is there.'),
      port: uint32('Port that was called.'),
      sourceLabels: textMap('Labels of the caller.'),
      gateways: texts('Gateways for which this holds, in place of those of the whole.'),
      queryParams: map(stringMatch(), 'Parameters of the query.'),
      ignoreUriCase: flag('Whether upper and lower case of the path are one.'),
      withoutHeaders: map(stringMatch(), 'Headers that must not be so.'),
      sourceNamespace: text('Namespace of the caller.'),
      statPrefix: text('Prefix of the statistics of these calls.'),
    },
    'Which calls; every field given must hold.',
  ),
);

const corsPolicy = lazy(() =>
  closed(
    {
      allowOrigin: texts('Replaced by `allowOrigins`.'),
      allowOrigins: list(stringMatch(), 'Origins that may call.'),
      allowMethods: texts('Methods that they may use.'),
      allowHeaders: texts('Headers that they may send.'),
      exposeHeaders: texts('Headers that they may read.'),
      maxAge: duration('How long the answer to a preflight may be kept.'),
      allowCredentials: flag('Whether credentials may come along.', nullable),
      unmatchedPreflights: word(
        ['UNSPECIFIED', 'FORWARD', 'IGNORE'],
        'Whether preflights of other origins are forwarded.',
      ),
    },
    'Which other origins a browser may call from.',
  ),
);

const fault = lazy(() =>
  closed(
    {
      delay: Type.Optional(
        Type.Object(
          {
            percent: int32('Replaced by `percentage`.'),
            fixedDelay: duration('How long calls wait.'),
            exponentialDelay: duration('Not implemented by Istio either.'),
            percentage: Type.Optional(percent()),
          },
          {
            additionalProperties: false,
            description: 'Calls that wait.',
            ...atMostOne(['fixedDelay', 'exponentialDelay']),
          },
        ),
      ),
      abort: Type.Optional(
        Type.Object(
          {
            httpStatus: int32('Status that they are answered with.'),
            grpcStatus: text('gRPC status that they are answered with.'),
            http2Error: text('HTTP/2 error that they end with.'),
            percentage: Type.Optional(percent()),
          },
          {
            additionalProperties: false,
            description: 'Calls that fail.',
            ...atMostOne(['httpStatus', 'grpcStatus', 'http2Error']),
          },
        ),
      ),
    },
    'Faults that are made on purpose.',
  ),
);

const redirect = lazy(() =>
  Type.Object(
    {
      uri: text('Path in its place.'),
      prefixRewrite: text('What the matched prefix of the path becomes.'),
      authority: text('Host in its place.'),
      port: uint32('Port in its place.'),
      derivePort: word(
        ['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'],
        'Where the port comes from.',
      ),
      scheme: text('Scheme in its place.'),
      redirectCode: uint32('Status; 301 where it is left out.'),
    },
    {
      additionalProperties: false,
      description: 'Callers are sent elsewhere.',
      ...atMostOne(['port', 'derivePort']),
    },
  ),
);

const retries = lazy(() =>
  closed(
    {
      attempts: int32('How often a call is tried again.'),
      perTryTimeout: duration('How long each try may take.'),
      retryOn: text('On which failures, separated by commas.'),
      retryRemoteLocalities: flag('Whether other localities are tried.', nullable),
      retryIgnorePreviousHosts: flag('Whether an endpoint may be tried twice.', nullable),
      backoff: duration('Least time between two tries.'),
    },
    'Which calls are tried again.',
  ),
);

const weight = (): ReturnType<typeof int32> => int32('Share beside the other destinations.');

const directResponse = lazy(() =>
  closed(
    {
      status: Type.Integer({
        minimum: 0,
        maximum: UINT32_MAX,
        description: 'Status of the answer.',
      }),
      body: Type.Optional(
        Type.Object(
          {
            string: text('As text.'),
            bytes: text('As base64.', { format: 'byte' }),
          },
          {
            additionalProperties: false,
            description: 'Body of the answer.',
            ...atMostOne(['string', 'bytes']),
          },
        ),
      ),
    },
    'They are answered at once.',
  ),
);

const httpRoute = lazy(() =>
  closed(
    {
      name: text('Name of the route, for people.'),
      match: list(httpMatch(), 'Calls that this is for, of which one must match; all without it.'),
      route: list(
        closed(
          { destination: destination(), weight: weight(), headers: Type.Optional(headers()) },
          'One destination.',
        ),
        'Where they go, by shares.',
      ),
      redirect: Type.Optional(redirect()),
      directResponse: Type.Optional(directResponse()),
      delegate: Type.Optional(
        closed(
          { name: text('Its name.'), namespace: text('Its namespace.') },
          'Another VirtualService that routes them.',
        ),
      ),
      rewrite: Type.Optional(
        closed(
          {
            uri: text('Path, or matched prefix of it, that they get.'),
            authority: text('Host that they get.'),
            uriRegexRewrite: Type.Optional(
              closed(
                { match: text('What is replaced, in RE2.'), rewrite: text('By what.') },
                'A replacement in the path.',
              ),
            ),
          },
          'What of a request is changed before it goes on.',
        ),
      ),
      timeout: duration('How long a call may take; for ever where it is left out.'),
      retries: Type.Optional(retries()),
      fault: Type.Optional(fault()),
      mirror: Type.Optional(destination()),
      mirrors: list(
        closed(
          { destination: destination(), percentage: Type.Optional(percent()) },
          'One further destination.',
        ),
        'Where copies go, whose answers are dropped.',
      ),
      mirrorPercent: uint32('Replaced by `mirrorPercentage`.', nullable),
      mirror_percent: uint32('Replaced by `mirrorPercentage`.', nullable),
      mirrorPercentage: Type.Optional(percent()),
      corsPolicy: Type.Optional(corsPolicy()),
      headers: Type.Optional(headers()),
    },
    'What becomes of some HTTP calls.',
  ),
);

const connectionMatch = lazy(() => ({
  destinationSubnets: texts('Ranges of which the called address must be in one.'),
  port: uint32('Port that was called.'),
  sourceLabels: textMap('Labels of the caller.'),
  gateways: texts('Gateways for which this holds, in place of those of the whole.'),
  sourceNamespace: text('Namespace of the caller.'),
}));

const routes = lazy(() =>
  list(
    closed({ destination: destination(), weight: weight() }, 'One destination.'),
    'Where they go, by shares.',
  ),
);

const tlsRoute = lazy(() =>
  closed(
    {
      match: Type.Array(
        closed(
          {
            sniHosts: Type.Array(Type.String(), {
              description: 'Server names of the handshake, of which one must match.',
            }),
            ...connectionMatch(),
          },
          'Which connections; every field given must hold.',
        ),
        { description: 'Connections that this is for, of which one must match.' },
      ),
      route: routes(),
    },
    'What becomes of some TLS connections that are not decrypted.',
  ),
);

const tcpRoute = lazy(() =>
  closed(
    {
      match: list(
        closed(
          { ...connectionMatch(), sourceSubnet: text('Range of the caller; not implemented.') },
          'Which connections; every field given must hold.',
        ),
        'Connections that this is for, of which one must match; all without it.',
      ),
      route: routes(),
    },
    'What becomes of some TCP connections.',
  ),
);

const spec = lazy(() =>
  closedOrEmpty(
    {
      hosts: texts('Hosts that callers ask for; short names are of this namespace.'),
      gateways: texts('Gateways for which this holds; `mesh` is every sidecar, and the default.'),
      http: list(httpRoute(), 'Rules for HTTP, of which the first that matches counts.'),
      tls: list(tlsRoute(), 'Rules for TLS that is not decrypted.'),
      tcp: list(tcpRoute(), 'Rules for TCP.'),
      exportTo: texts('Namespaces whose callers this is for; all where it is left out.'),
    },
    'Where calls to some hosts go.',
  ),
);

/** The schema of a VirtualService below its metadata. */
export const virtualServiceSchema = lazy(() =>
  Type.Object({ spec: spec(), status: Type.Optional(status) }, { additionalProperties: false }),
);

/** What a VirtualService wants: `spec`. */
export type VirtualServiceSpec = Immutable<Static<ReturnType<typeof spec>>>;
/** One of its rules for HTTP. */
export type HttpRoute = Immutable<Static<ReturnType<typeof httpRoute>>>;
/** How a text is compared. */
export type StringMatch = Immutable<Static<ReturnType<typeof stringMatch>>>;
