import type { OperatorRoutes } from '../apiserver/operator-paths.ts';
import type { CertificateAuthority } from '../ca/certificate-authority.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Watchable } from '../lib/watchable.ts';
import type { AuthorizationPolicy } from '../resources/kinds/authorization-policy.ts';
import type { Store } from '../store/store.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Distribution } from './distribution/distribution.ts';
import type { FederationView } from './federation/federation-view.ts';
import type { RecentFailure } from './happenings/recent-failures.ts';
import type { IssuanceLedger } from './issuance/issuance-ledger.ts';
import type { ServerIdentity } from './server-identity.ts';
import type { AgentClocks } from './workloads/agent-clocks.ts';

/** What a control plane knows of its own health, for `hauberk doctor`. Times in milliseconds since 1970. */
export interface DoctorReport {
  readonly pid: number;
  readonly trustDomain: string;
  /** Where sidecars reach it. */
  readonly xds: { readonly host: string; readonly port: number };
  readonly certificates: readonly {
    readonly role: string;
    readonly serial: string;
    readonly notBeforeMs: number;
    readonly notAfterMs: number;
  }[];
  readonly database: {
    readonly version: number;
    readonly factsVersion: number;
    /** Why it cannot be read; absent when it can. */
    readonly problem?: string;
  };
  readonly agents: readonly {
    readonly id: string;
    readonly node: string;
    readonly clockSkewMs?: number;
    readonly behind: readonly {
      readonly kind: string;
      readonly acknowledged: number;
      readonly wanted: number;
      readonly rejected?: string;
    }[];
  }[];
  /** The newest certificate of each identity that is connected. */
  readonly newest: readonly {
    readonly id: string;
    readonly serial: string;
    readonly issuedAtMs: number;
    readonly notAfterMs: number;
  }[];
  readonly federation: readonly FederationView[];
  /** `namespace/name` of those that allow by names which every trust domain has. */
  readonly widePolicies: readonly string[];
  readonly failures: readonly RecentFailure[];
  readonly monitoring: { readonly at: string | undefined; readonly problem?: string | undefined };
}

export interface DoctorReportOptions {
  readonly store: Store;
  readonly authority: Pick<CertificateAuthority, 'bundle' | 'intermediate' | 'trustDomain'>;
  readonly own: Watchable<ServerIdentity>;
  readonly distribution: Distribution;
  readonly clocks: AgentClocks;
  readonly ledger: Pick<IssuanceLedger, 'list'>;
  readonly federation: () => readonly FederationView[];
  readonly failures: () => readonly RecentFailure[];
  readonly xds: DoctorReport['xds'];
  readonly monitoring: () => DoctorReport['monitoring'];
  readonly pid: number;
  readonly clock: Clock;
}

const POLICIES = 'AuthorizationPolicy.security.istio.io';
const MOST_AGENTS = 1_000;

/** `GET /v1/doctor`. */
export function doctorRoutes(options: DoctorReportOptions): OperatorRoutes {
  return { 'GET /v1/doctor': () => doctorReport(options) };
}

async function doctorReport(options: DoctorReportOptions): Promise<DoctorReport> {
  const { authority, distribution, store } = options;
  const policies = await read(() => store.list(POLICIES));
  const items = 'value' in policies ? policies.value.items : [];
  return {
    pid: options.pid,
    trustDomain: authority.trustDomain.name,
    xds: options.xds,
    certificates: certificatesOf(options),
    database: {
      ...('value' in policies ? { version: store.version } : { version: 0, ...policies }),
      factsVersion: distribution.version,
    },
    agents: agentsOf(options),
    newest: newestOf(options),
    federation: options.federation(),
    widePolicies: (items as readonly AuthorizationPolicy[])
      .filter(isWide)
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    failures: options.failures(),
    monitoring: options.monitoring(),
  };
}

async function read<T>(work: () => Promise<T>): Promise<{ value: T } | { problem: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

function certificatesOf({ authority, own }: DoctorReportOptions): DoctorReport['certificates'] {
  const view = (role: string, { serial, notBeforeMs, notAfterMs }: Certificate) => ({
    ...{ role, serial, notBeforeMs, notAfterMs },
  });
  return [
    ...authority.bundle.current.x509Authorities.map((root) => view('root', root)),
    view('intermediate', authority.intermediate),
    view('control-plane', own.current.leaf),
  ];
}

function agentsOf({ distribution, clocks }: DoctorReportOptions): DoctorReport['agents'] {
  const wanted = distribution.version;
  const { behind } = distribution.converged(wanted);
  return distribution.agents.slice(0, MOST_AGENTS).map(({ agent }) => {
    const [id, node] = [agent.viewer.id.toString(), agent.node.id];
    const skewMs = clocks.of(id, node)?.skewMs;
    return {
      ...{ id, node },
      ...(skewMs === undefined ? {} : { clockSkewMs: skewMs }),
      behind: behind
        .filter((each) => each.agent === agent)
        .map(({ typeUrl, acknowledged, rejected }) => ({
          ...{ kind: typeUrl.slice(typeUrl.lastIndexOf('.') + 1), acknowledged, wanted },
          ...(rejected === undefined ? {} : { rejected }),
        })),
    };
  });
}

function newestOf({ distribution, ledger }: DoctorReportOptions): DoctorReport['newest'] {
  const ids = new Set(distribution.agents.map(({ agent }) => agent.viewer.id.toString()));
  return [...ids]
    .slice(0, MOST_AGENTS)
    .flatMap((id) =>
      ledger
        .list(id, 1)
        .map(({ serial, issuedAtMs, notAfterMs }) => ({ id, serial, issuedAtMs, notAfterMs })),
    );
}

/** Whether it allows by namespaces or service accounts, which other trust domains have too. */
function isWide({ spec }: AuthorizationPolicy): boolean {
  if (spec.action !== undefined && spec.action !== 'ALLOW') return false;
  return (spec.rules ?? []).some(({ from }) =>
    (from ?? []).some(({ source }) => {
      const names = [...(source?.namespaces ?? []), ...(source?.serviceAccounts ?? [])];
      const bound = [...(source?.principals ?? []), ...(source?.trustDomains ?? [])];
      return names.length > 0 && bound.length === 0;
    }),
  );
}
