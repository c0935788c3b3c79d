import { type ApiRequest, jsonAnswer } from '../../apiserver/api-request.ts';
import { actorOf, jsonBody } from '../../apiserver/operator-paths.ts';
import { keyOfCall, methodNotAllowed } from '../../apiserver/resource-call.ts';
import { badRequest } from '../../apiserver/status-error.ts';
import type { Subresource } from '../../apiserver/subresource.ts';
import type { TokenLedger } from '../../attestation/token-ledger.ts';
import { parseDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import type { ControlEvents } from '../control-events.ts';
import type { ServiceAccounts } from '../issuance/service-accounts.ts';

export interface EnrolmentOptions {
  readonly tokens: Pick<TokenLedger, 'create'>;
  readonly serviceAccounts: Pick<ServiceAccounts, 'require'>;
  readonly events: Pick<ControlEvents, 'tokenCreated'>;
}

const ENROLMENT_API_VERSION = 'security.hauberk.dev/v1alpha1';
const ENROLMENT_KIND = 'EnrolmentRequest';

const DEFAULT_LIFETIME = '1h';
const LONGEST_LIFETIME_MS = 7 * 86_400_000;

/**
 * POST to `serviceaccounts/<name>/enrolment`: a token with which one sidecar may get the first
 * certificate of that account, once. `spec.lifetime` is a duration up to 7d, by default an hour.
 */
export function enrolmentSubresource(options: EnrolmentOptions): Subresource {
  const { tokens, serviceAccounts, events } = options;
  return async (call) => {
    const { request } = call;
    if (request.method !== 'POST') throw methodNotAllowed();
    const { namespace = '', name } = keyOfCall(call);
    const lifetime = lifetimeIn(request);
    await serviceAccounts.require(namespace, name);
    const lifetimeMs = lifetimeMsOf(lifetime);
    const order = { namespace, serviceAccount: name };
    const { text, record } = await tokens.create({ ...order, lifetimeMs });
    const { id, expiresAtMs } = record;
    events.tokenCreated({ tokenId: id, ...order, expiresAtMs, actor: actorOf(request) });
    const expirationTimestamp = new Date(expiresAtMs).toISOString();
    const answer = {
      apiVersion: ENROLMENT_API_VERSION,
      kind: ENROLMENT_KIND,
      metadata: { name, namespace, creationTimestamp: null },
      spec: { lifetime },
      status: { token: text, id, expirationTimestamp },
    };
    return jsonAnswer(answer, 201);
  };
}

/** @throws {StatusError} BadRequest. */
function lifetimeIn(request: ApiRequest): string {
  const body = jsonBody(request) ?? {};
  const { kind = ENROLMENT_KIND, spec = {} } = body as Record<string, unknown>;
  if (kind !== ENROLMENT_KIND) throw badRequest(`the body must be an ${ENROLMENT_KIND}`);
  const fields = typeof spec === 'object' && spec !== null ? spec : {};
  const { lifetime = DEFAULT_LIFETIME } = fields as Record<string, unknown>;
  if (typeof lifetime === 'string') return lifetime;
  throw badRequest('spec.lifetime must be a duration such as 1h');
}

function lifetimeMsOf(lifetime: string): number {
  const lifetimeMs = parseDuration(lifetime);
  if (lifetimeMs > 0 && lifetimeMs <= LONGEST_LIFETIME_MS) return lifetimeMs;
  throw new MeshError('ERR_USAGE', `"${lifetime}" is no lifetime for a token; it may be up to 7d`);
}
