import type { Deadlines } from '../deadlines.ts';
import type { SilentPeers } from '../guards/silent-peers.ts';
import type { ProxyLimits } from '../limits.ts';
import type { ProxyOptions } from '../proxy-options.ts';
import { BoundedContexts } from '../tls/bounded-contexts.ts';
import { TlsMaterials } from '../tls/tls-material.ts';
import { credentialReader } from './credential-reader.ts';
import { type DirectDialOptions, directDialer } from './dial-direct.ts';
import { originatedDialer } from './dial-originated.ts';
import { EndpointChooser } from './endpoint-chooser.ts';
import { EndpointDialer } from './endpoint-dialer.ts';
import type { OutboundView } from './outbound-view.ts';
import type { SessionPool } from './session-pool.ts';
import { UpstreamConnector } from './upstream-connector.ts';

/** What the way out shares with the rest of the proxy. */
export interface OutboundShared extends Omit<DirectDialOptions, 'contexts'> {
  /** What the application may call. */
  readonly view: OutboundView;
  readonly pool: SessionPool;
  readonly connectDeadlines: Deadlines;
  readonly silentPeers: SilentPeers;
}

export interface OutboundParts {
  readonly connector: UpstreamConnector;
  readonly stop: () => void;
}

/** The way from the application to services: how they are resolved, chosen and dialled. */
export function outboundParts(
  options: ProxyOptions,
  limits: ProxyLimits,
  shared: OutboundShared,
): OutboundParts {
  const { facts, workload, clock, identity } = options;
  const { view, pool, connectDeadlines, silentPeers } = shared;
  const contexts = new BoundedContexts(identity);
  const materials = new TlsMaterials(credentialReader({ facts, held: options.credentials, clock }));
  const dialer = new EndpointDialer({
    ...{ pool, clock, connectDeadlines, silentPeers, fallback: shared.fallback },
    direct: directDialer({ ...shared, contexts }),
    originated: originatedDialer({ ...shared, materials }),
  });
  const chooser = new EndpointChooser({ clock, limits });
  const { redialWithinMs } = limits;
  const connector = new UpstreamConnector({
    ...{ view, dialer, workload, chooser, clock, redialWithinMs },
  });
  return {
    connector,
    stop: () => {
      connector.close();
      contexts.stop();
      dialer.close();
    },
  };
}
