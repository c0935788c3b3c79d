import { resolve } from 'node:path';
import type { BundleEndpointConfig } from '../../app/control-plane/federation.ts';
import { parseDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import { parseAddress } from '../address.ts';

const SHORTEST_HINT_MS = 1_000;

/**
 * Where and how the own bundle is served; undefined when it is not.
 *
 * @throws {MeshError} ERR_USAGE for half a certificate, or a certificate without an endpoint.
 */
export function bundleEndpointOf(options: {
  readonly bundleEndpoint?: string;
  readonly bundleEndpointCert?: string;
  readonly bundleEndpointKey?: string;
  readonly bundleRefreshHint: string;
}): BundleEndpointConfig | undefined {
  const { bundleEndpoint, bundleEndpointCert: cert, bundleEndpointKey: key } = options;
  if ((cert === undefined) !== (key === undefined)) {
    throw new MeshError(
      'ERR_USAGE',
      'give --bundle-endpoint-cert and --bundle-endpoint-key together, or neither for https_spiffe',
    );
  }
  const refreshHintMs = parseDuration(options.bundleRefreshHint);
  if (refreshHintMs < SHORTEST_HINT_MS) {
    throw new MeshError(
      'ERR_USAGE',
      `--bundle-refresh-hint "${options.bundleRefreshHint}" is too short; give 1s or more`,
    );
  }
  if (bundleEndpoint === undefined) {
    if (cert === undefined) return undefined;
    throw new MeshError(
      'ERR_USAGE',
      '--bundle-endpoint-cert is of no use without --bundle-endpoint',
    );
  }
  const web =
    cert === undefined || key === undefined
      ? undefined
      : { certFile: resolve(cert), keyFile: resolve(key) };
  return { listen: parseAddress(bundleEndpoint), web, refreshHintMs };
}
