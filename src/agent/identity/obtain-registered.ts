import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { DelegatedSvidService } from '../../gen/hauberk/identity/v1/delegated_svid_pb.js';
import type { Clock } from '../../lib/clock.ts';
import { MeshError } from '../../lib/errors.ts';
import type { Watchable } from '../../lib/watchable.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { ControlPlaneAddress } from '../link/control-plane-address.ts';
import { controlPlaneError } from '../link/control-plane-error.ts';
import { controlPlaneLink } from '../link/control-plane-link.ts';
import type { RegisteredIdentitiesOptions } from './registered-identities.ts';
import { requestSvid } from './request-svid.ts';

export interface ObtainRegisteredOptions {
  readonly address: ControlPlaneAddress;
  readonly rootNamespace: string;
  /** Proves which agent asks. */
  readonly own: Watchable<Identity>;
  readonly clock: Clock;
}

const CALL_TIMEOUT_MS = 10_000;

/** Asks the control plane, as this agent, for the identity of a registration. */
export function obtainRegistered({
  address,
  rootNamespace,
  own,
  clock,
}: ObtainRegisteredOptions): RegisteredIdentitiesOptions['obtain'] {
  return async ({ metadata: { namespace, name }, spec }, keys, signal, before) => {
    const identity = own.current;
    const { bundle } = identity;
    const id = `${bundle.trustDomain.id}/ns/${namespace}/sa/${spec.serviceAccount}`;
    const link = controlPlaneLink({ address, bundle, identity, rootNamespace });
    try {
      const obtained = await requestSvid({
        ...{ link, bearer: undefined, bundle, lifetimeS: 0, nowMs: clock.now(), signal, keys },
        metadata: {
          ...{ ImpersonatedIdentity: id, WorkloadRegistration: `${namespace}/${name}` },
          ...(before === undefined ? {} : { Replaces: before }),
        },
      });
      if (obtained.svid.id.toString() !== id) {
        const text = `asked for a certificate of "${id}" and was given one of "${obtained.svid.id}"`;
        throw new MeshError('ERR_SVID', text);
      }
      await confirm(link.transport, obtained, signal);
      return obtained;
    } finally {
      link.close();
    }
  };
}

/**
 * What it replaces is of no use from now on. Nobody shows such a certificate to the control plane, so
 * a rotation would wait until the one before expires.
 */
async function confirm(
  transport: Transport,
  { svid }: Identity,
  signal: AbortSignal,
): Promise<void> {
  const serial = svid.chain[0]?.serial ?? '';
  try {
    const client = createClient(DelegatedSvidService, transport);
    await client.confirmReceived({ serial }, { signal, timeoutMs: CALL_TIMEOUT_MS });
  } catch (error) {
    // A control plane that is older than this call.
    if (ConnectError.from(error).code !== Code.Unimplemented) throw controlPlaneError(error);
  }
}
