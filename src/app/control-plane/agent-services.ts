import type { ConnectRouter } from '@connectrpc/connect';
import type { Attestor } from '../../attestation/attestor.ts';
import type { ReturnTickets } from '../../attestation/return-tickets.ts';
import { discoveryService } from '../../control/distribution/discovery-service.ts';
import type { Distribution } from '../../control/distribution/distribution.ts';
import { delegatedSvidService } from '../../control/issuance/delegated-svid-service.ts';
import { serviceAccounts } from '../../control/issuance/service-accounts.ts';
import { signingService } from '../../control/issuance/signing-service.ts';
import { returnTicketService } from '../../control/tokens/return-ticket-service.ts';
import type { AgentClocks } from '../../control/workloads/agent-clocks.ts';
import type { CallRecords } from '../../control/workloads/call-records.ts';
import type { FallbackUses } from '../../control/workloads/fallback-uses.ts';
import { heartbeatService } from '../../control/workloads/heartbeat-service.ts';
import type { ServedClients } from '../../control/workloads/served-clients.ts';
import { servedClientsService } from '../../control/workloads/served-clients-service.ts';
import type { WorkloadLogs } from '../../control/workloads/workload-logs.ts';
import { AggregatedDiscoveryService } from '../../gen/envoy/service/discovery/v3/ads_pb.js';
import { Health } from '../../gen/grpc/health/v1/health_pb.js';
import { CallRecordService } from '../../gen/hauberk/calls/v1/calls_pb.js';
import { CredentialService } from '../../gen/hauberk/credentials/v1/credentials_pb.js';
import { FallbackReportService } from '../../gen/hauberk/fallbacks/v1/fallbacks_pb.js';
import { DelegatedSvidService } from '../../gen/hauberk/identity/v1/delegated_svid_pb.js';
import { JwtSvidService } from '../../gen/hauberk/identity/v1/jwt_svid_pb.js';
import { ReturnTicketService } from '../../gen/hauberk/identity/v1/return_ticket_pb.js';
import { ServedClientsService } from '../../gen/hauberk/identity/v1/served_clients_pb.js';
import { WorkloadLogService } from '../../gen/hauberk/logs/v1/workload_log_pb.js';
import { IstioCertificateService } from '../../gen/istio/v1/auth/ca_pb.js';
import type { ControlPlaneParts } from './control-plane-parts.ts';
import type { CredentialDistribution } from './credential-distribution.ts';

export interface AgentServiceParts {
  /** Who may get certificates, and who has one already. */
  readonly attestors: { readonly all: readonly Attestor[]; readonly svids: Attestor };
  readonly tickets: ReturnTickets;
  readonly distribution: Distribution;
  readonly clocks: AgentClocks;
  readonly clients: ServedClients;
  readonly logs: WorkloadLogs;
  readonly calls: CallRecords;
  readonly credentials: CredentialDistribution;
  readonly fallbacks: FallbackUses;
  readonly signal: AbortSignal;
}

/** What agents ask for over gRPC. */
export function agentServices(
  { store, ledger, revocations, authority, tokenAuthority, events, clock }: ControlPlaneParts,
  heard: AgentServiceParts,
): (router: ConnectRouter) => void {
  const { attestors, tickets, distribution, clocks, clients, logs, calls, signal } = heard;
  const { all, svids: attestor } = attestors;
  const accounts = serviceAccounts(store);
  const signing = { authority, attestors: all, serviceAccounts: accounts, store, ledger };
  const discovery = discoveryService({
    ...{ distribution, attestor, revocations, ledger, clock, signal },
  });
  return (router) => {
    router.service(Health, heartbeatService({ attestor, clocks }));
    router.service(ServedClientsService, servedClientsService({ attestor, clients }));
    router.service(WorkloadLogService, logs.service);
    router.service(CallRecordService, calls.service);
    router.service(CredentialService, heard.credentials.service);
    router.service(FallbackReportService, heard.fallbacks.service);
    router.service(
      IstioCertificateService,
      signingService({ ...signing, revocations, events, clock }),
    );
    router.service(ReturnTicketService, returnTicketService({ tickets, attestor, revocations }));
    router.service(DelegatedSvidService, delegatedSvidService({ attestor, ledger, clock }));
    router.service(
      JwtSvidService,
      tokenAuthority.jwtSvids({ attestor, serviceAccounts: accounts, revocations }),
    );
    router.service(AggregatedDiscoveryService, discovery, { acceptCompression: [] });
  };
}
