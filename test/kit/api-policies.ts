import { expect } from 'vitest';
import type { ApiRig } from './api-rig.ts';

/** Where the PeerAuthentications of one namespace are. */
export const POLICIES = '/apis/security.istio.io/v1/namespaces/shop/peerauthentications';

export function policy(name: string, mode = 'STRICT', metadata: object = {}): object {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name, ...metadata },
    spec: { mtls: { mode } },
  };
}

/** Makes one, and gives it as it was answered. */
export async function createPolicy(rig: ApiRig, ...wish: Parameters<typeof policy>) {
  const answered = await rig.call('POST', POLICIES, { body: policy(...wish) });
  expect(answered.status, answered.text).toBe(201);
  return answered.json;
}
