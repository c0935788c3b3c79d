import type { ServiceAccountTokens } from '../attestation/service-account-tokens.ts';
import type { JwtKeyRing } from '../ca/jwt-key-ring.ts';
import { parseDuration } from '../lib/duration.ts';
import { MeshError } from '../lib/errors.ts';
import type { JsonRoute } from '../lib/json-socket-server.ts';
import type { ControlEvents } from './control-events.ts';

export interface ServiceAccountTokenRouteOptions {
  readonly tokens: ServiceAccountTokens;
  readonly keys: Pick<JwtKeyRing, 'replaceCompromised' | 'authorities'>;
  readonly events: Pick<ControlEvents, 'tokenIssued' | 'tokenKeysChanged'>;
}

const ACTOR = 'admin-socket';
const DEFAULT_LIFETIME = '1h';

/** How the CLI gets tokens of service accounts, and replaces the keys that sign them. */
export function serviceAccountTokenRoutes({
  tokens,
  keys,
  events,
}: ServiceAccountTokenRouteOptions): Readonly<Record<string, JsonRoute>> {
  return {
    'POST /v1/service-account-tokens': async ({ body }) => {
      const { namespace, serviceAccount, audiences, lifetime } = readOrder(body);
      const lifetimeMs = parseDuration(lifetime);
      const issued = await tokens.issue({ namespace, serviceAccount, audiences, lifetimeMs });
      const account = `${namespace}/${serviceAccount}`;
      events.tokenIssued({
        ...{ type: 'service-account', subject: account, audiences },
        ...{ tokenId: issued.id, expiresAtMs: issued.expiresAtMs, actor: ACTOR },
      });
      return {
        ...{ token: issued.token, id: issued.id, serviceAccount: account, audiences },
        expiresAt: new Date(issued.expiresAtMs).toISOString(),
      };
    },
    'POST /v1/token-keys/replace': async () => {
      await keys.replaceCompromised();
      events.tokenKeysChanged({ action: 'replace', actor: ACTOR });
      return { keyId: keys.authorities.current[0]?.keyId };
    },
  };
}

interface Order {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly audiences: readonly string[];
  readonly lifetime: string;
}

/** @throws {MeshError} ERR_WIRE. */
function readOrder(body: unknown): Order {
  const fields = typeof body === 'object' && body !== null ? body : {};
  const { namespace, serviceAccount, audiences, lifetime } = {
    lifetime: DEFAULT_LIFETIME,
    ...fields,
  } as Record<string, unknown>;
  const isText = (value: unknown): value is string => typeof value === 'string';
  if (
    isText(namespace) &&
    isText(serviceAccount) &&
    isText(lifetime) &&
    Array.isArray(audiences) &&
    audiences.every(isText)
  ) {
    return { namespace, serviceAccount, audiences, lifetime };
  }
  throw new MeshError('ERR_WIRE', 'a token needs namespace, serviceAccount and audiences');
}
