import type {
  DeltaDiscoveryRequest,
  DiscoveryRequest,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { MeshError } from '../lib/errors.ts';

/** How much one subscriber may ask and is sent at a time. */
export interface StreamLimits {
  /** Types on one stream. Default 64. */
  readonly maxTypes: number;
  /** Names that one type's subscription may spell out. Default 10,000. */
  readonly maxNames: number;
  /** Characters of a name, version or type URL. Default 512. */
  readonly maxNameLength: number;
  /** Entries of `initial_resource_versions`. Default 200,000. */
  readonly maxInitialVersions: number;
  /** Requests that are not the awaited ACK or NACK, sustained. Default 50. */
  readonly requestsPerSecond: number;
  /** Such requests at once. Default 200. */
  readonly requestBurst: number;
  /** Bytes of resources in one response; a larger single resource goes alone. Default 1 MiB. */
  readonly maxResponseBytes: number;
  /** Resources and removed names in one response. Default 10,000. */
  readonly maxResponseNames: number;
  /** Size of the node's ID, cluster and metadata together, about in bytes. Default 64 KiB. */
  readonly maxNodeBytes: number;
}

export const defaultStreamLimits: StreamLimits = {
  maxTypes: 64,
  maxNames: 10_000,
  maxNameLength: 512,
  maxInitialVersions: 200_000,
  requestsPerSecond: 50,
  requestBurst: 200,
  maxResponseBytes: 1_048_576,
  maxResponseNames: 10_000,
  maxNodeBytes: 65_536,
};

/**
 * Checks all of a request that can be judged without the stream's state.
 *
 * @throws {MeshError} ERR_LIMIT naming the bound; ERR_WIRE for what delta discovery does not allow.
 */
export function checkRequest(request: DeltaDiscoveryRequest, limits: StreamLimits): void {
  if (request.typeUrl === '')
    throw new MeshError(
      'ERR_WIRE',
      'a discovery request has no type_url; set it to the type asked',
    );
  const locators =
    request.resourceLocatorsSubscribe.length + request.resourceLocatorsUnsubscribe.length;
  if (locators > 0)
    throw new MeshError('ERR_WIRE', 'resource locators are not supported; subscribe to names');
  checkText('type_url', request.typeUrl, limits);
  checkText('response_nonce', request.responseNonce, limits);
  checkNames('resource_names_subscribe', request.resourceNamesSubscribe, limits);
  checkNames('resource_names_unsubscribe', request.resourceNamesUnsubscribe, limits);
  checkInitialVersions(request.initialResourceVersions, limits);
}

/**
 * The same for a state-of-the-world request.
 *
 * @throws {MeshError} ERR_LIMIT naming the bound; ERR_WIRE for what the protocol does not allow.
 */
export function checkSotwRequest(request: DiscoveryRequest, limits: StreamLimits): void {
  if (request.resourceLocators.length > 0)
    throw new MeshError('ERR_WIRE', 'resource locators are not supported; subscribe to names');
  checkText('type_url', request.typeUrl, limits);
  checkText('version_info', request.versionInfo, limits);
  checkText('response_nonce', request.responseNonce, limits);
  checkNames('resource_names', request.resourceNames, limits);
}

/** @throws {MeshError} ERR_LIMIT when a subscription would spell out more names than it may. */
export function checkNameCount(count: number, typeUrl: string, limits: StreamLimits): void {
  if (count <= limits.maxNames) return;
  throw new MeshError(
    'ERR_LIMIT',
    `a subscription to "${typeUrl}" names more than ${limits.maxNames} resources; subscribe to "*"`,
  );
}

function checkNames(field: string, names: readonly string[], limits: StreamLimits): void {
  if (names.length > limits.maxNames)
    throw new MeshError(
      'ERR_LIMIT',
      `${field} has ${names.length} names, the limit is ${limits.maxNames}; subscribe to "*"`,
    );
  for (const name of names) checkName(field, name, limits);
}

function checkInitialVersions(
  versions: Readonly<Record<string, string>>,
  limits: StreamLimits,
): void {
  const entries = Object.entries(versions);
  if (entries.length > limits.maxInitialVersions)
    throw new MeshError(
      'ERR_LIMIT',
      `initial_resource_versions has ${entries.length} entries, the limit is ${limits.maxInitialVersions}`,
    );
  for (const [name, version] of entries) {
    checkName('initial_resource_versions', name, limits);
    checkText('initial_resource_versions', version, limits);
  }
}

function checkName(field: string, name: string, limits: StreamLimits): void {
  if (name === '') throw new MeshError('ERR_WIRE', `${field} has an empty name`);
  checkText(field, name, limits);
}

function checkText(field: string, text: string, limits: StreamLimits): void {
  if (text.length <= limits.maxNameLength) return;
  throw new MeshError(
    'ERR_LIMIT',
    `${field} has "${text.slice(0, 64)}…" of ${text.length} characters, the limit is ${limits.maxNameLength}`,
  );
}
