import type { ControlEvents } from '../../control/control-events.ts';
import { recordedHappenings } from '../../control/happenings/recorded-happenings.ts';
import { StoredEvents } from '../../control/happenings/stored-events.ts';
import type { Clock } from '../../lib/clock.ts';
import { builtInKinds } from '../../resources/kinds.ts';
import type { Resource, ResourceKey } from '../../resources/resource.ts';
import type { Store } from '../../store/store.ts';
import { allControlEvents } from '../../telemetry/all-control-events.ts';
import { meshProcesses } from './mesh-processes.ts';

/** `events`, of which what concerns an object is taken down as an Event of it. */
export function recordedEvents(
  events: ControlEvents,
  parts: { readonly store: Store; readonly rootNamespace: string; readonly clock: Clock },
): { readonly events: ControlEvents; readonly recorder: StoredEvents } {
  const { store, rootNamespace, clock } = parts;
  const processes = meshProcesses({ store, rootNamespace, startedAtMs: clock.now() });
  const find = async (key: ResourceKey): Promise<Resource | undefined> => {
    const definition = builtInKinds.byQualifiedKind(key.kind);
    if (definition?.origin !== 'derived') return store.get(key);
    const shown = await processes.list(definition, key.namespace);
    return shown.find(({ metadata }) => metadata.name === key.name);
  };
  const failed = (reason: string): void => events.taskFailed({ task: 'record events', reason });
  const recorder = new StoredEvents({ store, find, clock, failed });
  const kindOf = (qualified: string) => builtInKinds.byQualifiedKind(qualified);
  const happenings = recordedHappenings(recorder, { rootNamespace, kindOf });
  return { events: allControlEvents(events, happenings), recorder };
}
