import { existsSync, readFileSync } from 'node:fs';
import { MeshError } from '../../lib/errors.ts';
import type {
  CapturePlan,
  Cidr,
  Filter,
  Origin,
  PortRange,
} from '../../proxy/capture/capture-plan.ts';
import { parseResolvConf } from '../../proxy/capture/dns/resolv-conf.ts';
import { cgroupOrigin } from './cgroup-origin.ts';

/** Which connections; CIDRs are address ranges of either family, checked by the caller. */
export interface FilterRequest {
  readonly includePorts: readonly PortRange[];
  readonly excludePorts: readonly PortRange[];
  readonly includeCidrs: readonly string[];
  readonly excludeCidrs: readonly string[];
}

/** What an operator wants captured. */
export interface CaptureRequest {
  readonly name: string;
  readonly from: {
    readonly all: boolean;
    readonly uids: readonly number[];
    readonly gids: readonly number[];
    readonly cgroups: readonly string[];
  };
  readonly proxy: CapturePlan['proxy'];
  readonly ports: CapturePlan['ports'];
  readonly outbound: FilterRequest;
  /** Undefined: nothing inbound. */
  readonly inbound: FilterRequest | undefined;
}

const RESOLV_CONF = '/etc/resolv.conf';
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/i;

/**
 * The plan for a request: whose connections, on this host, with its resolvers.
 *
 * @throws {MeshError} ERR_USAGE when it would capture nothing, or the proxy itself.
 */
export function planCapture(request: CaptureRequest): CapturePlan {
  const { name, ports, proxy, inbound } = request;
  const from = originsOf(request);
  if (from.length === 0 && inbound === undefined) {
    throw new MeshError(
      'ERR_USAGE',
      'nothing to capture: say whose connections (--uid, --gid, --cgroup or --all), or which ports of this host (--inbound-ports)',
    );
  }
  const outbound = (): CapturePlan['outbound'] => {
    const resolvers = ports.dns === undefined ? [] : capturedResolvers(resolvConf());
    return { ...filterOf(request.outbound), from, resolvers };
  };
  return {
    ...{ name, ports, proxy },
    outbound: from.length === 0 ? undefined : outbound(),
    inbound: inbound === undefined ? undefined : filterOf(inbound),
  };
}

function originsOf({ from, proxy }: CaptureRequest): readonly Origin[] {
  const { all, uids, gids, cgroups } = from;
  const known = proxy.uids.length + proxy.gids.length > 0;
  if (all && !known) {
    throw new MeshError(
      'ERR_USAGE',
      '--all would capture the proxy too, which then captures itself for ever: say as whom it runs with --proxy-uid or --proxy-gid',
    );
  }
  const both = uids.find((uid) => proxy.uids.includes(uid));
  if (both !== undefined) {
    throw new MeshError(
      'ERR_USAGE',
      `uid ${both} cannot be captured and be the proxy's own: run the proxy as another user, or under a group of its own (--proxy-gid)`,
    );
  }
  const shared = gids.find((gid) => proxy.gids.includes(gid));
  if (shared !== undefined) {
    throw new MeshError('ERR_USAGE', `gid ${shared} cannot be captured and be the proxy's own`);
  }
  if (all) return [{ kind: 'all' }];
  return [
    ...uids.map((uid): Origin => ({ kind: 'uid', uid })),
    ...gids.map((gid): Origin => ({ kind: 'gid', gid })),
    ...cgroups.map(cgroupOrigin),
  ];
}

function filterOf({
  includePorts,
  excludePorts,
  includeCidrs,
  excludeCidrs,
}: FilterRequest): Filter {
  return {
    ...{ includePorts, excludePorts },
    includeCidrs: includeCidrs.map(cidrOf),
    excludeCidrs: excludeCidrs.map(cidrOf),
  };
}

function cidrOf(text: string): Cidr {
  return { family: text.includes(':') ? 'ipv6' : 'ipv4', text };
}

/**
 * Whom programs ask for names, as the rules name them. One with a link-local address (fe80::1%eth0) cannot be
 * captured: what is sent from such an address does not find its way back from another interface.
 *
 * @throws {MeshError} ERR_USAGE when the first one is such, for then programs would not learn names of the mesh.
 */
export function capturedResolvers(resolvConf: string): readonly Cidr[] {
  const servers = parseResolvConf(resolvConf).map(({ host }) => host);
  const [first = ''] = servers;
  if (LINK_LOCAL.test(first)) {
    throw new MeshError(
      'ERR_USAGE',
      `queries to "${first}", the first nameserver of ${RESOLV_CONF}, cannot be captured: its address is link-local; name another one before it, or leave DNS alone (--no-dns, for \`hauberk run\` --dns-to off)`,
    );
  }
  return [...new Set(servers)].filter((host) => !LINK_LOCAL.test(host)).map(cidrOf);
}

function resolvConf(): string {
  return existsSync(RESOLV_CONF) ? readFileSync(RESOLV_CONF, 'utf8') : '';
}
