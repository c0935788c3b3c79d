import {
  createGrpcTransport,
  type GrpcTransportOptions,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import type { AdsConnection } from '../../src/xds/ads-client.ts';

export interface AdsConnectionOptions {
  /** `https://host:15012`. */
  readonly baseUrl: string;
  /** TLS material, or another socket through `createConnection`. */
  readonly nodeOptions?: GrpcTransportOptions['nodeOptions'];
  /** Silence after which the server is asked whether it is alive, in milliseconds. Default 10,000. */
  readonly pingIntervalMs?: number;
  /** How long that answer may take, in milliseconds. Default 5,000. */
  readonly pingTimeoutMs?: number;
  /** Bytes of one response. Default 32 MiB. */
  readonly readMaxBytes?: number;
}

/**
 * A gRPC connection that notices a half-dead control plane: HTTP/2 PING frames are answered by the
 * other side's event loop, so a machine that vanished, a process that hangs and a path that swallows
 * packets all end the stream after `pingIntervalMs` + `pingTimeoutMs`.
 */
export function openAdsConnection(options: AdsConnectionOptions): AdsConnection {
  const {
    baseUrl,
    nodeOptions,
    pingIntervalMs = 10_000,
    pingTimeoutMs = 5_000,
    readMaxBytes = 33_554_432,
  } = options;
  const sessionManager = new Http2SessionManager(
    baseUrl,
    { pingIntervalMs, pingTimeoutMs },
    nodeOptions,
  );
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    readMaxBytes,
    // Compressing is paid per subscriber on the other side, and facts are small.
    acceptCompression: [],
  });
  return { transport, close: () => sessionManager.abort() };
}
