import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExternalAnswer, ExternalQuestion } from '../http/external-authorizer.ts';
import type { Field } from '../http/fields.ts';
import { fieldsNamed, fieldsOfRaw } from './header-names.ts';
import { PARTIAL_BODY } from './partial-body.ts';

const OK = 200;
const FIRST_SERVER_ERROR = 500;
const MAX_BODY_BYTES = 64 * 1024;
/** Sent whatever the list says, as Envoy does. */
const ALWAYS_SENT = ['authorization'];
/** Given to the caller whatever the list says. */
const ALWAYS_GIVEN = ['www-authenticate', 'location', 'proxy-authenticate', 'set-cookie'];

/**
 * Asks a provider by HTTP: the request goes to it, with as much of its body as it wants to see, and 200
 * means yes (Envoy's ext_authz).
 *
 * @throws when there is no answer, or the provider itself failed (5xx).
 */
export async function askByHttp(
  question: ExternalQuestion,
  connection: Duplex,
  signal: AbortSignal,
): Promise<ExternalAnswer> {
  const { provider } = question;
  const response = await send(question, connection, signal);
  const status = response.statusCode ?? 0;
  const fields = fieldsOfRaw(response.rawHeaders);
  if (status >= FIRST_SERVER_ERROR) {
    response.destroy();
    throw new Error(`the provider answers with status ${status}`);
  }
  if (status === OK) {
    response.destroy();
    return {
      ...{ allowed: true, appended: [], removed: [] },
      set: fieldsNamed(fields, provider.headersToUpstreamOnAllow),
      answerFields: fieldsNamed(fields, provider.headersToDownstreamOnAllow),
    };
  }
  const { headersToDownstreamOnDeny: listed } = provider;
  const given = [...new Set([...listed, ...ALWAYS_GIVEN])];
  return {
    allowed: false,
    status,
    fields: fieldsNamed(fields, given),
    body: await bodyOf(response),
  };
}

function send(
  { provider, request: asked, body, requestId }: ExternalQuestion,
  connection: Duplex,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  if (asked === undefined) throw new Error('a provider that speaks HTTP is asked about requests');
  const fields: Field[] = [
    ...fieldsNamed(asked.fields.all(), [...provider.includeRequestHeadersInCheck, ...ALWAYS_SENT]),
    ...Object.entries(provider.includeAdditionalHeadersInCheck),
  ].filter(([name]) => !NOT_SENT.has(name.toLowerCase()));
  return new Promise((resolve, reject) => {
    const sent = request({
      ...{ method: asked.method, path: `${provider.pathPrefix}${asked.target}`, signal },
      createConnection: () => connection,
      headers: [
        ...['Host', asked.authority ?? provider.service, 'x-request-id', requestId],
        ...['Content-Length', String(body?.bytes.length ?? 0), 'Connection', 'close'],
        ...(body === undefined ? [] : [PARTIAL_BODY, String(body.partial)]),
        ...fields.flat(),
      ],
    });
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end(body?.bytes);
  });
}

const NOT_SENT: ReadonlySet<string> = new Set([
  ...[
    PARTIAL_BODY,
    'host',
    'content-length',
    'transfer-encoding',
    'connection',
    'x-request-id',
    'expect',
  ],
]);

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      response.destroy();
      break;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
