import { MeshError } from '../lib/errors.ts';
import type { JsonRoute } from '../lib/json-socket-server.ts';
import type { KindDefinition } from '../resources/kind-definition.ts';
import { qualifiedKind } from '../resources/kind-definition.ts';
import type { KindRegistry } from '../resources/kind-registry.ts';
import { keyText, type ResourceKey } from '../resources/resource.ts';
import type { Store, StoredVersion } from '../store/store.ts';
import type { ControlEvents } from './control-events.ts';
import { rollBack, rollBackAll } from './rollback.ts';

export interface HistoryRouteOptions {
  readonly store: Store;
  /** Those that are served, people's own among them. */
  readonly kinds: KindRegistry;
  readonly events: Pick<ControlEvents, 'resourcesChanged'>;
}

/** What the CLI may ask of the past, and how it goes back to it. */
export function historyRoutes({
  store,
  kinds,
  events,
}: HistoryRouteOptions): Readonly<Record<string, JsonRoute>> {
  return {
    'GET /v1/history': async ({ query }) => {
      const { key, definition } = subject(Object.fromEntries(query), kinds);
      const versions = await known(store, key);
      return { items: versions.map((version) => versionView(version, definition)) };
    },
    'POST /v1/rollback': async ({ body }) => {
      const fields = record(body);
      const { key, definition } = subject(fields, kinds);
      const { version } = fields;
      return rollBack({ key, definition, version }, { store, kinds, events });
    },
    'POST /v1/rollback-all': async ({ body }) => {
      const { to = '', dryRun } = record(body);
      const toMs = Date.parse(to);
      if (Number.isNaN(toMs)) {
        throw new MeshError(
          'ERR_USAGE',
          `"${to}" is no time; give one such as 2026-01-31T12:00:00Z`,
        );
      }
      return rollBackAll({ toMs, dryRun: dryRun === 'true' }, { store, kinds, events });
    },
  };
}

async function known(store: Store, key: ResourceKey): Promise<readonly StoredVersion[]> {
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

type Fields = Readonly<Record<string, string | undefined>>;

function subject(
  { kind = '', namespace, name = '' }: Fields,
  kinds: KindRegistry,
): {
  readonly key: ResourceKey;
  readonly definition: KindDefinition;
} {
  const definition = kinds.named(kind);
  if (definition === undefined) throw new MeshError('ERR_USAGE', `"${kind}" is not a known kind`);
  if (name === '') throw new MeshError('ERR_USAGE', 'a name is missing');
  const qualified = qualifiedKind(definition);
  const key = definition.namespaced
    ? { kind: qualified, namespace: namespace ?? 'default', name }
    : { kind: qualified, name };
  return { key, definition };
}

function record(body: unknown): Fields {
  const isTexts =
    typeof body === 'object' &&
    body !== null &&
    Object.values(body).every((value) => typeof value === 'string');
  if (isTexts) return body as Fields;
  throw new MeshError('ERR_WIRE', 'the request body is not a JSON object of strings');
}
