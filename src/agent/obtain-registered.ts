import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Watchable } from '../lib/watchable.ts';
import type { Identity } from '../spiffe/identity.ts';
import type { ControlPlaneAddress } from './control-plane-address.ts';
import { controlPlaneLink } from './control-plane-link.ts';
import type { RegisteredIdentitiesOptions } from './registered-identities.ts';
import { requestSvid } from './request-svid.ts';

export interface ObtainRegisteredOptions {
  readonly address: ControlPlaneAddress;
  readonly rootNamespace: string;
  /** Proves which agent asks. */
  readonly own: Watchable<Identity>;
  readonly clock: Clock;
}

/** Asks the control plane, as this agent, for the identity of a registration. */
export function obtainRegistered({
  address,
  rootNamespace,
  own,
  clock,
}: ObtainRegisteredOptions): RegisteredIdentitiesOptions['obtain'] {
  return async ({ metadata: { namespace, name }, spec }, keys, signal) => {
    const identity = own.current;
    const { bundle } = identity;
    const id = `${bundle.trustDomain.id}/ns/${namespace}/sa/${spec.serviceAccount}`;
    const link = controlPlaneLink({ address, bundle, identity, rootNamespace });
    try {
      const obtained = await requestSvid({
        ...{ link, bearer: undefined, bundle, lifetimeS: 0, nowMs: clock.now(), signal, keys },
        metadata: { ImpersonatedIdentity: id, WorkloadRegistration: `${namespace}/${name}` },
      });
      if (obtained.svid.id.toString() === id) return obtained;
      const text = `asked for a certificate of "${id}" and was given one of "${obtained.svid.id}"`;
      throw new MeshError('ERR_SVID', text);
    } finally {
      link.close();
    }
  };
}
