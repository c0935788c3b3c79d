import { jsonAnswer } from '../apiserver/api-request.ts';
import { actorOf, jsonBody, type OperatorRoutes } from '../apiserver/operator-paths.ts';
import { keyOfCall, methodNotAllowed, type ResourceCall } from '../apiserver/resource-call.ts';
import type { Subresource } from '../apiserver/subresource.ts';
import { MeshError } from '../lib/errors.ts';
import type { KindDefinition } from '../resources/kind-definition.ts';
import { keyText } from '../resources/resource.ts';
import type { StoredVersion } from '../store/store.ts';
import { type RollbackParts, rollBack, rollBackAll } from './rollback.ts';

/** The past of an object of any kind, below its path: GET `history`, POST `rollback`. */
export function historySubresources(parts: RollbackParts): Readonly<Record<string, Subresource>> {
  return {
    history: async (call) => {
      if (call.request.method !== 'GET') throw methodNotAllowed();
      const versions = await known(call, parts);
      return jsonAnswer({ items: versions.map((one) => versionView(one, call.definition)) });
    },
    rollback: async (call) => {
      const { request, definition } = call;
      if (request.method !== 'POST') throw methodNotAllowed();
      const { version } = record(jsonBody(request) ?? {});
      const caller = { user: request.user, actor: actorOf(request) };
      const target = { key: keyOfCall(call), definition, version };
      return jsonAnswer(await rollBack(target, { ...parts, caller }));
    },
  };
}

/** How everything goes back at once. */
export function historyRoutes(parts: RollbackParts): OperatorRoutes {
  return {
    'POST /v1/rollback': async ({ body, user, actor }) => {
      const { to = '', dryRun } = record(body);
      const toMs = Date.parse(to);
      if (Number.isNaN(toMs)) {
        throw new MeshError(
          'ERR_USAGE',
          `"${to}" is no time; give one such as 2026-01-31T12:00:00Z`,
        );
      }
      const caller = { user, actor };
      return rollBackAll({ toMs, dryRun: dryRun === 'true' }, { ...parts, caller });
    },
  };
}

async function known(
  call: ResourceCall,
  { store }: Pick<RollbackParts, 'store'>,
): Promise<readonly StoredVersion[]> {
  const key = keyOfCall(call);
  const versions = await store.history(key);
  if (versions.length > 0) return versions;
  throw new MeshError('ERR_NOT_FOUND', `nothing is known of ${keyText(key)}`);
}

/** What is in a confidential object is not shown, in no version. */
function versionView(
  { type, version, atMs, resource }: StoredVersion,
  { confidential }: KindDefinition,
): object {
  const { generation, managedFields = [] } = resource.metadata;
  const times = managedFields.map((entry) => String(entry['time'] ?? ''));
  const newest = managedFields[times.indexOf(times.toSorted((a, b) => (a < b ? 1 : -1))[0] ?? '')];
  return {
    version: String(version),
    at: new Date(atMs).toISOString(),
    type,
    generation,
    manager: newest === undefined ? undefined : String(newest['manager']),
    ...(confidential ? {} : { resource }),
  };
}

function record(body: unknown): Readonly<Record<string, string | undefined>> {
  const isTexts =
    typeof body === 'object' &&
    body !== null &&
    Object.values(body).every((value) => typeof value === 'string');
  if (isTexts) return body as Readonly<Record<string, string | undefined>>;
  throw new MeshError('ERR_WIRE', 'the request body is not a JSON object of strings');
}
