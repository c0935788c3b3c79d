import { isIP } from 'node:net';
import { join } from 'node:path';
import type { AdmissionCheck, WriteRecord } from '../../apiserver/api-context.ts';
import { apiHandler } from '../../apiserver/api-handler.ts';
import { startApiListener } from '../../apiserver/api-listener.ts';
import { namesOfBuiltIns } from '../../apiserver/discovery/names-of-built-ins.ts';
import { notHere } from '../../apiserver/not-here.ts';
import type { OperatorRoutes } from '../../apiserver/operator-paths.ts';
import { logSubresource, type PodLogs } from '../../apiserver/pod-log.ts';
import { Snapshots } from '../../apiserver/reads/snapshots.ts';
import { authenticate, type TokenAuthenticator } from '../../apiserver/rights/authenticate.ts';
import { ensureBootstrapRoles } from '../../apiserver/rights/bootstrap-roles.ts';
import { rbacAuthorizer } from '../../apiserver/rights/rbac-authorizer.ts';
import { rbacEscalation } from '../../apiserver/rights/rbac-escalation.ts';
import { reviewQuestions, tokenUser } from '../../apiserver/rights/reviews.ts';
import { type TokenIssuer, tokenSubresource } from '../../apiserver/rights/token-request.ts';
import { MASTERS } from '../../apiserver/rights/user-info.ts';
import { misplacedSettings } from '../../apiserver/writes/misplaced-settings.ts';
import type { CertificateAuthority } from '../../ca/certificate-authority.ts';
import { openApiClientAuthority } from '../../control/api-client-authority.ts';
import type { ControlEvents } from '../../control/control-events.ts';
import { DefinedKinds } from '../../control/defined-kinds.ts';
import type { EventRecorder } from '../../control/happenings/event-recorder.ts';
import { historyRoutes, historySubresources } from '../../control/history-routes.ts';
import { serviceAccounts } from '../../control/issuance/service-accounts.ts';
import type { ServerIdentity } from '../../control/server-identity.ts';
import {
  type EnrolmentOptions,
  enrolmentSubresource,
} from '../../control/tokens/enrolment-subresource.ts';
import type { WorkloadLogs } from '../../control/workloads/workload-logs.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { sleepUntil } from '../../lib/sleep-until.ts';
import { runTasks, type Task } from '../../lib/tasks.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { KindRegistry } from '../../resources/kind-registry.ts';
import type { Store } from '../../store/store.ts';
import { AUDIT_FILE, kubeconfigPath } from '../data-dir.ts';
import { auditAsLog } from './audit-as-log.ts';
import type { ControlPlaneConfig } from './control-plane-config.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { isControlPlanePod, meshProcesses } from './mesh-processes.ts';
import { readinessChecks } from './readiness-checks.ts';
import type { TokenAuthority } from './token-authority.ts';
import { workloadLog } from './workload-log.ts';

const ADMIN = 'hauberk-admin';
const ADMIN_LIFETIME_MS = 365 * 86_400_000;
const RENEW_ADMIN_MS = 20 * 86_400_000;

export interface ResourceApiOptions {
  readonly dataDir: string;
  readonly rootNamespace: string;
  readonly listen: ControlPlaneConfig['api'];
  readonly store: Store;
  readonly kinds: KindRegistry;
  readonly recorder: EventRecorder;
  readonly authority: CertificateAuthority;
  readonly identity: Watchable<ServerIdentity>;
  readonly events: Pick<
    ControlEvents,
    'resourcesChanged' | 'taskFailed' | 'tokenIssued' | 'tokenCreated'
  >;
  readonly tokens: Pick<TokenAuthority, 'issuer' | 'authenticateToken' | 'issue' | 'documents'>;
  /** What the control plane answers about itself. */
  readonly operator: OperatorRoutes;
  /** Makes enrolment tokens. */
  readonly enrolment: EnrolmentOptions['tokens'];
  /** Of the sidecars. */
  readonly logs: WorkloadLogs;
  readonly clock: Clock;
}

export interface ResourceApi {
  readonly port: number;
  readonly run: Task;
}

/**
 * The Kubernetes-compatible API of this mesh, with the kubeconfig of its administrator.
 *
 * @throws {MeshError} ERR_LISTEN, ERR_STORE.
 */
export async function startResourceApi(options: ResourceApiOptions): Promise<ResourceApi> {
  const { dataDir, rootNamespace, listen, store, kinds, authority, identity, events, clock } =
    options;
  const defined = new DefinedKinds(options);
  await defined.load();
  const clients = await openApiClientAuthority(store, { rootNamespace, clock });
  const authorizer = rbacAuthorizer(store);
  const tokens = tokensOf(options);
  await ensureBootstrapRoles(store);
  const admission = [rbacEscalation(store, authorizer), ...checksOf(options)];
  const past = { store, kinds, admission, events };
  const handler = apiHandler({
    context: {
      store,
      kinds,
      clock,
      authorizer,
      admission,
      derived: meshProcesses({ store, rootNamespace, startedAtMs: clock.now() }),
      snapshots: new Snapshots(clock),
      lastingNamespaces: ['default', rootNamespace],
      written: (record) => events.resourcesChanged(auditOf(record)),
    },
    subresources: {
      'serviceaccounts./token': tokenSubresource(tokenIssuer(options)),
      'serviceaccounts./enrolment': enrolmentSubresource({
        ...{ tokens: options.enrolment, serviceAccounts: serviceAccounts(store), events },
      }),
      ...notHere,
      'pods./log': logSubresource(podLogs(options), () => clock.now()),
    },
    others: options.tokens.documents,
    ready: readinessChecks(options),
    everyKind: historySubresources(past),
    operator: { ...options.operator, ...historyRoutes(past) },
    questions: reviewQuestions({ authorizer, tokens }),
    failed: (error) => events.taskFailed({ task: 'resource API', reason: messageOf(error) }),
  });
  const listener = await startApiListener({
    ...listen,
    identity,
    clientCa: clients.ca,
    authenticate: (credentials) => authenticate(credentials, { tokens, authorizer }),
    handler,
  });
  const kubeconfig = kubeconfigPath(dataDir);
  const server = `https://${reachable(listen.host)}:${listener.port}`;
  const write = (): void => {
    const lifetimeMs = ADMIN_LIFETIME_MS;
    const admin = clients.issue({ name: ADMIN, groups: [MASTERS], lifetimeMs });
    const ca = authority.bundle.current.toPem();
    writeKubeconfig(kubeconfig, { ...admin, server, ca, name: 'hauberk' });
  };
  write();
  return {
    port: listener.port,
    async run(signal) {
      const stop = authority.bundle.subscribe(write);
      try {
        await runTasks(signal, [
          listener.run,
          defined.run,
          (stopped) => renew(write, clock, stopped),
        ]);
      } finally {
        stop();
      }
    },
  };
}

/** What is looked at beyond the rules of a kind, whoever writes. */
function checksOf({ kinds, rootNamespace }: ResourceApiOptions): readonly AdmissionCheck[] {
  return [namesOfBuiltIns(kinds), misplacedSettings(rootNamespace)];
}

/** Of the control plane its record, of workloads what their sidecars keep. */
function podLogs({ dataDir, clock, logs }: ResourceApiOptions): PodLogs {
  const own = auditAsLog(join(dataDir, AUDIT_FILE), clock);
  return (pod) => (isControlPlanePod(pod) ? own : workloadLog(pod, logs));
}

/** Whose token it is, by the API's own audience unless others are asked for. */
function tokensOf({ tokens }: ResourceApiOptions): TokenAuthenticator {
  return async (token, audiences = []) => {
    const review = await tokens.authenticateToken(token, audiences);
    return review.authenticated ? tokenUser(review.user) : undefined;
  };
}

function tokenIssuer({ tokens, events }: ResourceApiOptions): TokenIssuer {
  return async ({ actor, ...order }) => {
    const audiences = order.audiences.length === 0 ? [tokens.issuer] : order.audiences;
    const { token, id, expiresAtMs } = await tokens.issue({ ...order, audiences });
    const subject = `${order.namespace}/${order.serviceAccount}`;
    events.tokenIssued({
      ...{ type: 'service-account', subject, audiences, tokenId: id, expiresAtMs, actor },
    });
    return { token, expiresAtMs, audiences };
  };
}

/** What the audit log keeps of a write. */
function auditOf(record: WriteRecord): Parameters<ControlEvents['resourcesChanged']>[0] {
  const { user, impersonatedBy, peerAddress, userAgent, fieldManager, changes } = record;
  return {
    actor: user.name,
    request: {
      ...(impersonatedBy === undefined ? {} : { impersonatedBy: impersonatedBy.name }),
      ...{ peerAddress, userAgent, fieldManager },
    },
    changes: changes.map(({ key, action, fromVersion, toVersion }) => ({
      ...{ key, action, fromVersion, resourceVersion: toVersion },
    })),
  };
}

async function renew(write: () => void, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleepUntil(clock.now() + RENEW_ADMIN_MS, clock, signal);
    if (!signal.aborted) write();
  }
}

/** An address that clients on this machine reach a listener at. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** What the serving certificate must say, so that clients find the API under their names for it. */
export function apiNames(host: string): {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
} {
  const own = isIP(host) === 0 ? { dns: [host], ip: [] } : { dns: [], ip: [host] };
  const wildcard = host === '0.0.0.0' || host === '::';
  const dns = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', ...own.dns];
  const ip = ['127.0.0.1', '::1', ...(wildcard ? [] : own.ip)];
  return { dns: [...new Set(dns)].filter((name) => name !== 'localhost'), ip: [...new Set(ip)] };
}
