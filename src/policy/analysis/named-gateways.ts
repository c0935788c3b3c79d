import type { Gateway } from '../../resources/kinds/gateway.ts';
import type { Resource } from '../../resources/resource.ts';
import { type AnalyzedMesh, hostCovers } from './analyzed-mesh.ts';

/** A Gateway as a VirtualService names it. */
export interface NamedGateway {
  readonly name: string;
  readonly exists: boolean;
  /** Undefined too where it is one of Kubernetes' Gateway API. */
  readonly gateway: Gateway | undefined;
  /** Whether it serves a host of the VirtualService. */
  readonly serves: (host: string) => boolean;
}

/** The Gateways that a VirtualService of `namespace` names, `mesh` left out. */
export function namedGateways(
  mesh: AnalyzedMesh,
  names: readonly string[],
  namespace: string,
): readonly NamedGateway[] {
  return names
    .filter((name) => name !== 'mesh')
    .map((name): NamedGateway => {
      const full = name.includes('/') ? name : `${namespace}/${name}`;
      const gateway = mesh.gateways.find((each) => placeOf(each) === full);
      if (gateway !== undefined) {
        const serves = (host: string) => servesHost(gateway, host, namespace);
        return { name, exists: true, gateway, serves };
      }
      const other = mesh.resources.find((each) => isGatewayApi(each) && placeOf(each) === full);
      const serves = (host: string) => other !== undefined && listensFor(other, host);
      return { name, exists: other !== undefined, gateway, serves };
    });
}

function placeOf({ metadata }: Pick<Resource, 'metadata'>): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function isGatewayApi({ apiVersion, kind }: Resource): boolean {
  return kind === 'Gateway' && apiVersion.startsWith('gateway.networking.k8s.io/');
}

/** A kind that nobody here validates: all of it may be anything. */
function listensFor(gateway: Resource, host: string): boolean {
  const { listeners } = (gateway['spec'] ?? {}) as { readonly listeners?: unknown };
  if (!Array.isArray(listeners)) return false;
  return (listeners as readonly ({ readonly hostname?: unknown } | null)[]).some((listener) => {
    const { hostname = '' } = listener ?? {};
    return hostname === '' || areAlike(String(hostname), host);
  });
}

/**
 * Whether a Gateway serves a host of a VirtualService in `namespace`. Before a host may stand the namespace of
 * those who may use it: `.` is the Gateway's own, `*` any.
 */
function servesHost({ metadata, spec }: Gateway, host: string, namespace: string): boolean {
  const hosts = (spec.servers ?? []).flatMap((server) => server.hosts);
  return hosts.some((each) => {
    const slash = each.indexOf('/');
    const written = slash === -1 ? '*' : each.slice(0, slash);
    const place = written === '.' ? metadata.namespace : written;
    if (place !== '*' && place !== namespace) return false;
    const bare = each.slice(slash + 1);
    return bare === '*' || areAlike(bare, host);
  });
}

function areAlike(a: string, b: string): boolean {
  return hostCovers(a, b) || hostCovers(b, a);
}
