import { MeshError } from '../../lib/errors.ts';
import type { JsonRoute } from '../../lib/json-socket-server.ts';
import { qualifiedKind, storedApiVersion } from '../../resources/kind-definition.ts';
import {
  type FederatedTrustDomain,
  federatedTrustDomain,
} from '../../resources/kinds/federated-trust-domain.ts';
import { parseManifest } from '../../resources/parse-manifest.ts';
import { bundleName } from '../../spiffe/bundle-name.ts';
import { TrustBundle } from '../../spiffe/trust-bundle.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { Store } from '../../store/store.ts';
import type { Admission } from '../admission.ts';
import type { Federation } from './federation.ts';
import { federationViews } from './federation-view.ts';

export interface FederationRouteOptions {
  readonly store: Store;
  readonly admission: Admission;
  readonly federation: Federation;
  /** Of this mesh. */
  readonly trustDomain: TrustDomain;
  /** The own bundle, for other trust domains to begin with. */
  readonly document: () => Promise<string>;
  /** Where the own bundle is served, if it is. */
  readonly endpoint: object | undefined;
}

const ACTOR = 'admin-socket';
const KIND: string = qualifiedKind(federatedTrustDomain);

/** `hauberk federation`. */
export function federationRoutes(
  options: FederationRouteOptions,
): Readonly<Record<string, JsonRoute>> {
  const { store, admission, federation } = options;
  return {
    'GET /v1/federation': async () => {
      const { items } = await store.list(KIND);
      return {
        trustDomain: options.trustDomain.name,
        endpoint: options.endpoint ?? null,
        items: federationViews(federation, items as readonly FederatedTrustDomain[]),
      };
    },
    'GET /v1/federation/bundle': async () => ({ document: await options.document() }),
    'POST /v1/federation': async ({ body }) => {
      const resource = declarationOf(body, options.trustDomain);
      const documents = parseManifest(JSON.stringify(resource), { source: 'federation' });
      return { changes: await admission.apply(documents, ACTOR) };
    },
    'DELETE /v1/federation': async ({ query }) => {
      const trustDomain = TrustDomain.parse(query.get('trustDomain') ?? '');
      const key = { kind: KIND, name: bundleName(trustDomain) };
      if ((await store.get(key)) === undefined) {
        throw new MeshError('ERR_NOT_FOUND', `"${trustDomain}" is not federated`);
      }
      return { changes: await admission.delete(key, ACTOR) };
    },
  };
}

function declarationOf(body: unknown, own: TrustDomain): object {
  const fields = typeof body === 'object' && body !== null ? body : {};
  const { trustDomain: name, url, profile, endpointId, bundle } = fields as Record<string, unknown>;
  const trustDomain = TrustDomain.parse(text(name, 'trustDomain'));
  if (trustDomain.equals(own)) {
    const words = `"${own}" is the trust domain of this mesh itself; name the other one`;
    throw new MeshError('ERR_USAGE', words);
  }
  return {
    apiVersion: storedApiVersion(federatedTrustDomain),
    kind: federatedTrustDomain.kind,
    metadata: { name: bundleName(trustDomain) },
    spec: {
      trustDomain: trustDomain.name,
      bundleEndpointURL: text(url, 'url'),
      bundleEndpointProfile: {
        type: text(profile, 'profile'),
        ...(endpointId === undefined ? {} : { endpointSPIFFEID: text(endpointId, 'endpointId') }),
      },
      ...(bundle === undefined
        ? {}
        : { trustDomainBundle: bundleText(trustDomain, text(bundle, 'bundle')) }),
    },
  };
}

/** A bundle in the standard's JSON, or the authorities as PEM. */
function bundleText(trustDomain: TrustDomain, given: string): string {
  return given.includes('-----BEGIN') ? TrustBundle.parsePem(trustDomain, given).toJwks() : given;
}

function text(value: unknown, field: string): string {
  if (typeof value === 'string') return value;
  throw new MeshError('ERR_WIRE', `the request has no text "${field}"`);
}
