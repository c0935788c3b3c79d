import type { OperatorRoutes } from '../../apiserver/operator-paths.ts';
import type { JwtKeyRing } from '../../ca/jwt-key-ring.ts';
import type { ControlEvents } from '../control-events.ts';

export interface TokenKeyRouteOptions {
  readonly keys: Pick<JwtKeyRing, 'replaceCompromised' | 'authorities'>;
  readonly events: Pick<ControlEvents, 'tokenKeysChanged'>;
}

/** How the keys that sign tokens are replaced after a theft. */
export function tokenKeyRoutes({ keys, events }: TokenKeyRouteOptions): OperatorRoutes {
  return {
    'POST /v1/token-keys/replace': async ({ actor }) => {
      await keys.replaceCompromised();
      events.tokenKeysChanged({ action: 'replace', actor });
      return { keyId: keys.authorities.current[0]?.keyId };
    },
  };
}
