import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../lib/clock.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import type { Task } from '../lib/tasks.ts';
import { byPrecedence } from '../resources/custom/by-precedence.ts';
import { customKinds, type Refusal } from '../resources/custom/custom-kinds.ts';
import { definitionStatus } from '../resources/custom/definition-status.ts';
import type { KindDefinition } from '../resources/kind-definition.ts';
import type { KindRegistry } from '../resources/kind-registry.ts';
import type { CustomResourceDefinition } from '../resources/kinds/custom-resource-definition.ts';
import { keyOf } from '../resources/resource.ts';
import type { Store } from '../store/store.ts';
import type { ControlEvents } from './control-events.ts';
import type { EventRecorder } from './happenings/event-recorder.ts';

/** Of what people define kinds with. */
export const DEFINITION_KIND = 'CustomResourceDefinition.apiextensions.k8s.io';

export interface DefinedKindsOptions {
  readonly store: Store;
  /** Is told which kinds people have defined, whenever they change. */
  readonly kinds: KindRegistry;
  readonly recorder: EventRecorder;
  readonly events: Pick<ControlEvents, 'taskFailed'>;
  readonly clock: Clock;
}

const RETRY_MS = 1_000;

/** Serves the kinds of the CustomResourceDefinitions that are stored, and tells in their status how it went. */
export class DefinedKinds {
  readonly #options: DefinedKindsOptions;
  /** By name, as they were when their kind was compiled: what changes in the status makes no new kind. */
  #definitions: ReadonlyMap<string, CustomResourceDefinition> = new Map();
  #served: readonly KindDefinition[] = [];

  constructor(options: DefinedKindsOptions) {
    this.#options = options;
  }

  /** Serves what is stored now; from then on `run` follows. */
  async load(): Promise<void> {
    const { items } = await this.#options.store.list(DEFINITION_KIND);
    this.#serve(items as readonly CustomResourceDefinition[]);
  }

  readonly run: Task = async (signal) => {
    const { store, clock, events } = this.#options;
    while (!signal.aborted) {
      try {
        const { version } = store;
        await this.#reconcile();
        const watched = store.watch({ kind: DEFINITION_KIND, fromVersion: version }, signal);
        for await (const _ of watched) await this.#reconcile();
      } catch (error) {
        if (signal.aborted) return;
        events.taskFailed({ task: 'follow custom resource definitions', reason: messageOf(error) });
        await clock.sleep(RETRY_MS, signal);
      }
    }
  };

  async #reconcile(): Promise<void> {
    const { items } = await this.#options.store.list(DEFINITION_KIND);
    const definitions = items as readonly CustomResourceDefinition[];
    const refused = this.#serve(definitions);
    for (const definition of definitions) {
      await this.#tell(definition, refused.get(definition.metadata.name));
    }
  }

  #serve(stored: readonly CustomResourceDefinition[]): ReadonlyMap<string, Refusal> {
    const { kinds } = this.#options;
    const definitions = stored.toSorted(byPrecedence).map((definition) => {
      const known = this.#definitions.get(definition.metadata.name);
      return known !== undefined && definesTheSame(known, definition) ? known : definition;
    });
    this.#definitions = new Map(definitions.map((one) => [one.metadata.name, one]));
    const made = customKinds(definitions, kinds.builtIns);
    const same =
      made.kinds.length === this.#served.length &&
      made.kinds.every((kind, index) => kind === this.#served[index]);
    if (!same) kinds.define(made.kinds);
    this.#served = made.kinds;
    return made.refused;
  }

  async #tell(definition: CustomResourceDefinition, refusal: Refusal | undefined): Promise<void> {
    const { store, clock, recorder } = this.#options;
    const now = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    const status = definitionStatus(definition, refusal, now);
    if (isDeepStrictEqual(status, definition.status)) return;
    const expectVersion = definition.metadata.resourceVersion ?? '0';
    try {
      await store.commit([{ op: 'put', resource: { ...definition, status }, expectVersion }]);
    } catch (error) {
      // Written or deleted meanwhile: the watch brings it back if it is still there.
      if (MeshError.is(error, 'ERR_CONFLICT') || MeshError.is(error, 'ERR_NOT_FOUND')) return;
      throw error;
    }
    if (definition.metadata.deletionTimestamp !== undefined) return;
    recorder.record({
      about: keyOf(definition),
      type: refusal === undefined ? 'Normal' : 'Warning',
      reason: refusal?.reason ?? 'Established',
      message: refusal?.message ?? `${definition.spec.names.kind} objects are served`,
      component: 'hauberk.dev/resource-api',
    });
  }
}

function definesTheSame(
  { metadata: one }: CustomResourceDefinition,
  { metadata: other }: CustomResourceDefinition,
): boolean {
  return (
    one.uid === other.uid &&
    one.generation === other.generation &&
    one.deletionTimestamp === other.deletionTimestamp
  );
}
