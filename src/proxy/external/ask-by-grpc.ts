import type { Duplex } from 'node:stream';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import type { HeaderValueOption } from '../../gen/envoy/config/core/v3/base_pb.js';
import type { AttributeContext_HttpRequestSchema } from '../../gen/envoy/service/auth/v3/attribute_context_pb.js';
import {
  Authorization,
  type CheckRequestSchema,
  type CheckResponse,
} from '../../gen/envoy/service/auth/v3/external_auth_pb.js';
import type { ExternalAnswer, ExternalQuestion } from '../http/external-authorizer.ts';
import type { Field } from '../http/fields.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { PARTIAL_BODY } from './partial-body.ts';

const FORBIDDEN = 403;
const OK = 0;

/**
 * Asks a provider by gRPC: envoy.service.auth.v3.Authorization/Check. Status OK means yes.
 *
 * @throws when there is no answer.
 */
export async function askByGrpc(
  question: ExternalQuestion,
  connection: Duplex,
  signal: AbortSignal,
): Promise<ExternalAnswer> {
  const { service, port } = question.provider;
  const host = service.slice(service.indexOf('/') + 1);
  const transport = createGrpcTransport({
    baseUrl: `http://${host}:${port}`,
    nodeOptions: { createConnection: () => connection },
  });
  const client = createClient(Authorization, transport);
  return read(await client.check(checkRequest(question), { signal }));
}

function checkRequest(question: ExternalQuestion): MessageInitShape<typeof CheckRequestSchema> {
  const { connection, peer, ownId } = question;
  const { sourceIp, destinationIp, destinationPort } = connection;
  return {
    attributes: {
      source: { address: socketAddress(sourceIp, 0), principal: peer?.id ?? '' },
      destination: { address: socketAddress(destinationIp, destinationPort), principal: ownId },
      ...(question.request === undefined
        ? {}
        : { request: { http: httpRequest(question.request, question) } }),
    },
  };
}

function httpRequest(
  request: HttpRequest,
  { provider, body, requestId }: ExternalQuestion,
): MessageInitShape<typeof AttributeContext_HttpRequestSchema> {
  const headers: Record<string, string> = { 'x-request-id': requestId };
  for (const [name] of request.fields.all()) {
    const lower = name.toLowerCase();
    headers[lower] = request.fields.get(lower) ?? '';
  }
  headers[':method'] = request.method;
  headers[':path'] = request.target;
  headers[':authority'] = request.authority ?? '';
  if (body !== undefined) headers[PARTIAL_BODY] = String(body.partial);
  const packed = provider.includeRequestBodyInCheck?.packAsBytes === true;
  return {
    ...{ id: requestId, method: request.method, headers, path: request.target },
    ...{ host: request.authority ?? '', scheme: request.scheme ?? 'http' },
    protocol: request.protocol,
    size: body === undefined ? -1n : BigInt(body.bytes.length),
    ...(body === undefined
      ? {}
      : packed
        ? { rawBody: Uint8Array.from(body.bytes) }
        : { body: body.bytes.toString() }),
  };
}

function socketAddress(address: string, port: number) {
  return {
    address: {
      case: 'socketAddress' as const,
      value: { address, portSpecifier: { case: 'portValue' as const, value: port } },
    },
  };
}

function read({ status, httpResponse }: CheckResponse): ExternalAnswer {
  if ((status?.code ?? OK) === OK) {
    const ok = httpResponse.case === 'okResponse' ? httpResponse.value : undefined;
    const headers = ok?.headers ?? [];
    return {
      allowed: true,
      set: fieldsOf(headers.filter(overwrites)),
      appended: fieldsOf(headers.filter((option) => !overwrites(option))),
      removed: (ok?.headersToRemove ?? []).map((name) => name.toLowerCase()),
      answerFields: fieldsOf(ok?.responseHeadersToAdd ?? []),
    };
  }
  const denied = httpResponse.case === 'deniedResponse' ? httpResponse.value : undefined;
  const code: number = denied?.status?.code ?? 0;
  return {
    allowed: false,
    status: code >= 300 && code <= 599 ? code : FORBIDDEN,
    fields: fieldsOf(denied?.headers ?? []),
    body: denied?.body ?? '',
  };
}

/** Envoy's ext_authz overwrites unless it is told to append. */
function overwrites({ append }: HeaderValueOption): boolean {
  return append !== true;
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e]*$/;

/** What is no header field is left out: it would be a field of the provider's making in the message. */
function fieldsOf(options: readonly HeaderValueOption[]): readonly Field[] {
  return options.flatMap(({ header }) => {
    if (header === undefined) return [];
    const value =
      header.value === '' ? Buffer.from(header.rawValue).toString('latin1') : header.value;
    return NAME.test(header.key) && VALUE.test(value) ? [[header.key, value] as const] : [];
  });
}
