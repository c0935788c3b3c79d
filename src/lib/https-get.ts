import { lookup } from 'node:dns';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { MeshError, messageOf } from './errors.ts';

export interface HttpsQuestion {
  readonly url: URL;
  /** Roots that the server is checked by, PEM. Default: those of the machine. */
  readonly roots?: string | undefined;
  /** Whether http is taken too. Default: https only. */
  readonly plainToo?: boolean;
  /** Addresses that must not be connected to, whatever name leads to them. Default: none. */
  readonly isBlocked?: (address: string) => boolean;
  /** For the whole answer, redirects included. Default 10 s. */
  readonly timeoutMs?: number;
  /** Default 1 MiB. */
  readonly maxBytes?: number;
}

const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * The body of a GET. Redirects are followed to the same origin only, three at most: whoever can make a
 * server redirect must not choose another one to be believed.
 *
 * @throws {MeshError} ERR_UNREACHABLE, ERR_WIRE for another status than 200 or a redirect elsewhere,
 *   ERR_LIMIT for a longer body.
 */
export async function httpsGet(question: HttpsQuestion): Promise<string> {
  const { timeoutMs = 10_000, maxBytes = 1024 * 1024 } = question;
  const signal = AbortSignal.timeout(timeoutMs);
  let { url } = question;
  try {
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      checkUrl(url, question);
      const response = await get(url, question, signal);
      const { statusCode: status = 0, headers } = response;
      if (status === 200) return await bodyOf(response, { url, maxBytes });
      response.destroy();
      if (!REDIRECTS.has(status)) {
        throw new MeshError('ERR_WIRE', `${url} answers with status ${status}`);
      }
      url = sameOrigin(url, headers.location);
    }
    throw new MeshError('ERR_WIRE', `${question.url} redirects more than ${MAX_REDIRECTS} times`);
  } catch (error) {
    if (MeshError.is(error)) throw error;
    const why = signal.aborted ? `no answer within ${timeoutMs} ms` : messageOf(error);
    throw new MeshError('ERR_UNREACHABLE', `${url} cannot be fetched: ${why}`, { cause: error });
  }
}

function checkUrl(url: URL, { plainToo = false, isBlocked }: HttpsQuestion): void {
  if (url.protocol !== 'https:' && !(plainToo && url.protocol === 'http:')) {
    throw new MeshError('ERR_WIRE', `${url} is not https`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && isBlocked?.(host) === true) throw blocked(url.host, host);
}

function blocked(host: string, address: string): MeshError {
  const where = host === address ? address : `${host} is ${address}, which`;
  return new MeshError('ERR_FORBIDDEN', `${where} must not be connected to from here`);
}

/** Looks names up as always, and refuses what they lead to if it is blocked. */
function guardedLookup(isBlocked: (address: string) => boolean): LookupFunction {
  return (host, options, done) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      const found = addresses?.find(({ address }) => isBlocked(address));
      if (error !== null) done(error, []);
      else if (found !== undefined) done(blocked(host, found.address), []);
      else if (options.all === true) done(null, addresses);
      else done(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4);
    });
  };
}

function get(
  url: URL,
  { roots, isBlocked }: HttpsQuestion,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const request = url.protocol === 'http:' ? requestPlain : requestSecure;

  return new Promise((resolve, reject) => {
    const headers = { accept: 'application/json' };
    const options = { agent: false, headers, signal, maxHeaderSize: 16 * 1024 } as const;
    const sent = request(url, {
      ...options,
      ...(roots === undefined ? {} : { ca: roots }),
      ...(isBlocked === undefined ? {} : { lookup: guardedLookup(isBlocked) }),
    });
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end();
  });
}

function sameOrigin(from: URL, location: string | undefined): URL {
  const to = URL.parse(location ?? '', from.href);
  if (location !== undefined && to?.origin === from.origin) return to;
  const shown = JSON.stringify(location ?? null).slice(0, 200);
  throw new MeshError('ERR_WIRE', `${from} redirects to ${shown}, which is not the same server`);
}

async function bodyOf(
  response: IncomingMessage,
  { url, maxBytes }: { readonly url: URL; readonly maxBytes: number },
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const tooLong = () => {
    response.destroy();
    return new MeshError('ERR_LIMIT', `${url} answers with more than ${maxBytes} bytes`);
  };
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLong();
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
