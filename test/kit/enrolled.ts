import { obtainSvid } from '../../src/agent/identity/obtain-svid.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Identity } from '../../src/spiffe/identity.ts';
import { generateKeyPair } from '../../src/x509/key-pair.ts';
import type { ControlPlaneRig } from './control-plane-rig.ts';

/** A workload of a control plane in this process: asks as its agent does. */
export interface Enrolled {
  readonly identity: Identity;
  /** Serial of its certificate. */
  readonly serial: string;
  /** A further certificate, by the proof of this one. */
  renew(): Promise<Enrolled>;
}

/** Enrols a service account of the namespace `shop`. */
export async function enrolled(plane: ControlPlaneRig, account: string): Promise<Enrolled> {
  const token = await plane.createToken('shop', account);
  return enrolledWith(plane, token);
}

/** Enrols with a token that was made before. */
export function enrolledWith(plane: ControlPlaneRig, token: string): Promise<Enrolled> {
  const { signal } = new AbortController();
  const obtain = obtainSvid({
    address: { host: '127.0.0.1', port: plane.xdsPort },
    ...{ rootNamespace: 'istio-system', token, clock: systemClock },
  });
  const ask = async (current: Identity | undefined): Promise<Enrolled> => {
    const identity = await obtain(current, generateKeyPair(), signal);
    const serial = identity.svid.chain[0]?.serial ?? '';
    return { identity, serial, renew: () => ask(identity) };
  };
  return ask(undefined);
}
