import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { bundleEndpointUrl } from '../../spiffe/bundle-endpoint-url.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import { verifyPeer } from '../../spiffe/verify-peer.ts';
import { presentedChain } from '../../x509/presented-chain.ts';

/** How the server at the URL proves that it speaks for the trust domain. */
export type EndpointProfile =
  /** As web sites do: a certificate for the host name, by an authority of the machine. */
  | { readonly type: 'https_web' }
  /** By an SVID of exactly this identity. */
  | { readonly type: 'https_spiffe'; readonly endpointId: SpiffeId };

export interface BundleQuestion {
  /** Whose bundle it is; never inferred from the URL. */
  readonly trustDomain: TrustDomain;
  readonly url: URL;
  readonly profile: EndpointProfile;
  /** The newest bundle held of the endpoint's own trust domain; asked with https_spiffe. */
  readonly bundles: (trustDomain: TrustDomain) => TrustBundle | undefined;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  /** For the whole answer, redirects included. Default 10 s. */
  readonly timeoutMs?: number;
  /** Roots for https_web, PEM. Default: those of the machine. */
  readonly webRoots?: string | undefined;
}

const MAX_BYTES = 1024 * 1024;
const MAX_REDIRECTS = 3;
const TEMPORARY: ReadonlySet<number> = new Set([302, 303, 307]);
const PERMANENT: ReadonlySet<number> = new Set([300, 301, 308]);

/**
 * Fetches the bundle of a trust domain (SPIFFE_Federation 5.2). Temporary redirects are followed,
 * three at most, under the same rules; nothing is sent to a server that has not proved itself.
 *
 * @throws {MeshError} ERR_UNREACHABLE, ERR_PATH or ERR_SVID for who answers, ERR_WIRE for what it
 *   answers, ERR_LIMIT for more than 1 MiB.
 */
export async function fetchBundle(question: BundleQuestion): Promise<TrustBundle> {
  const { trustDomain, timeoutMs = 10_000 } = question;
  const late = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([question.signal, late]);
  let { url } = question;
  try {
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const response = await get(url, { ...question, signal });
      const { statusCode: status = 0, headers } = response;
      if (TEMPORARY.has(status)) {
        response.destroy();
        url = redirectOf(url, headers.location);
        continue;
      }
      if (status !== 200) {
        response.destroy();
        throw new MeshError('ERR_WIRE', `${url} ${describeStatus(status)}`);
      }
      return TrustBundle.parseJwks(trustDomain, await textOf(response, url));
    }
    throw new MeshError('ERR_WIRE', `${question.url} redirects more than ${MAX_REDIRECTS} times`);
  } catch (error) {
    if (MeshError.is(error)) throw error;
    const why = late.aborted ? `no answer within ${timeoutMs} ms` : messageOf(error);
    throw new MeshError('ERR_UNREACHABLE', `${url} cannot be fetched: ${why}`, { cause: error });
  }
}

function describeStatus(status: number): string {
  return PERMANENT.has(status)
    ? `answers with a permanent redirect (${status}), which is not followed; set the URL anew if that is meant`
    : `answers with status ${status} and not with a bundle`;
}

function redirectOf(from: URL, location: string | undefined): URL {
  if (location === undefined) throw new MeshError('ERR_WIRE', `${from} redirects to nowhere`);
  try {
    return bundleEndpointUrl(location, from);
  } catch (cause) {
    throw new MeshError('ERR_WIRE', `${from} redirects where it may not: ${messageOf(cause)}`, {
      cause,
    });
  }
}

type Ask = BundleQuestion & { readonly signal: AbortSignal };

async function get(url: URL, ask: Ask): Promise<IncomingMessage> {
  const socket = await securedSocket(url, ask);
  return await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(
      {
        method: 'GET',
        path: `${url.pathname}${url.search}`,
        headers: { host: url.host, accept: 'application/json', connection: 'close' },
        createConnection: () => socket,
        signal: ask.signal,
        maxHeaderSize: 16 * 1024,
      },
      resolve,
    );
    sent.on('error', (error) => {
      socket.destroy();
      reject(error);
    });
    sent.end();
  });
}

/** A connection whose other side is proved by the profile. */
async function securedSocket(url: URL, ask: Ask): Promise<TLSSocket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const byName = isIP(host) === 0;
  const { profile, webRoots, signal } = ask;
  signal.throwIfAborted();
  const socket = connect({
    host,
    port: Number(url.port || 443),
    ...(byName ? { servername: host } : {}),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    ...(profile.type === 'https_spiffe'
      ? // Verified below by the rules of SPIFFE; authorities of the web prove nothing here.
        { rejectUnauthorized: false }
      : webRoots === undefined
        ? {}
        : { ca: webRoots }),
  });
  const abort = (): void => {
    socket.destroy(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      // Stays: an error after the handshake is the request's, and must not go unheard meanwhile.
      socket.on('error', reject);
    });
    if (profile.type === 'https_spiffe') proveEndpoint(socket, profile.endpointId, ask);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function proveEndpoint(socket: TLSSocket, expected: SpiffeId, ask: Ask): void {
  const { bundles, nowMs, url } = ask;
  const chain = presentedChain(socket);
  const id = verifyPeer({ chain, bundles, nowMs, purpose: 'serverAuth' });
  if (id.equals(expected)) return;
  throw new MeshError('ERR_PATH', `${url} proved to be "${id}" and not "${expected}"`);
}

async function textOf(response: IncomingMessage, url: URL): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > MAX_BYTES) {
      response.destroy();
      throw new MeshError('ERR_LIMIT', `${url} answers with more than ${MAX_BYTES} bytes`);
    }
    chunks.push(chunk as Buffer);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}
