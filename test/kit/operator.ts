import type { ApiClient } from '../../src/apiclient/api-client.ts';
import type { ApiObject } from '../../src/apiclient/api-object.ts';
import { type AppliedObject, applyManifests } from '../../src/apiclient/apply-manifest.ts';
import { discover, pathOf } from '../../src/apiclient/discovery.ts';
import { enrolmentToken, serviceAccountToken } from '../../src/apiclient/make-token.ts';
import { adminClient } from '../../src/app/admin-client.ts';

/** What an administrator does with the control plane of a data directory, without a process for it. */
export interface Operator {
  apply(manifest: string): Promise<readonly AppliedObject[]>;
  get<T = ApiObject>(kind: string, place: Place): Promise<T>;
  delete(kind: string, place: Place): Promise<unknown>;
  enrolmentToken(namespace: string, serviceAccount: string, lifetime?: string): Promise<string>;
  serviceAccountToken(
    namespace: string,
    serviceAccount: string,
    audiences: readonly string[],
  ): Promise<string>;
}

interface Place {
  readonly name: string;
  readonly namespace?: string;
}

const HOUR_MS = 3_600_000;

export function operatorOf(dataDir: string): Operator {
  const asking = async <T>(work: (client: ApiClient) => Promise<T>): Promise<T> => {
    // The kubeconfig is read anew: a control plane that was started again has another port in it.
    const client = adminClient(dataDir);
    try {
      return await work(client);
    } finally {
      client.close();
    }
  };
  const at = async (client: ApiClient, kind: string, place: Place): Promise<string> =>
    pathOf((await discover(client)).require(kind), place);
  return {
    apply: (text) => asking((client) => applyManifests(client, [{ text, source: 'test.yaml' }])),
    get: (kind, place) =>
      asking(async (client) => client.json({ path: await at(client, kind, place) })),
    delete: (kind, place) =>
      asking(async (client) =>
        client.json({ method: 'DELETE', path: await at(client, kind, place) }),
      ),
    enrolmentToken: (namespace, name, lifetime = '1h') =>
      asking(async (client) => (await enrolmentToken(client, { namespace, name }, lifetime)).token),
    serviceAccountToken: (namespace, name, audiences) =>
      asking(async (client) => {
        const order = { audiences, lifetimeMs: HOUR_MS };
        return (await serviceAccountToken(client, { namespace, name }, order)).token;
      }),
  };
}
