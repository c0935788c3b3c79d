import type { CustomResourceDefinition } from '../kinds/custom-resource-definition.ts';
import type { Refusal } from './custom-kinds.ts';

interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

/**
 * The status of a definition: whether it has its names and is served, in Kubernetes' words. `now` is
 * RFC 3339, for the conditions that change.
 */
export function definitionStatus(
  definition: CustomResourceDefinition,
  refusal: Refusal | undefined,
  now: string,
): object {
  const { metadata, spec } = definition;
  const old = (definition.status ?? {}) as {
    readonly conditions?: readonly Condition[];
    readonly storedVersions?: readonly string[];
  };
  const condition = (type: string, holds: boolean, reason: string, message: string): Condition => {
    const status = holds ? 'True' : 'False';
    const before = old.conditions?.find((one) => one.type === type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
    return { type, status, lastTransitionTime, reason, message };
  };
  const named = refusal?.reason !== 'NameConflict';
  const served = refusal === undefined;
  const going = metadata.deletionTimestamp !== undefined;
  const stored = spec.versions.filter(({ storage }) => storage).map(({ name }) => name);
  return {
    conditions: [
      condition(
        'NamesAccepted',
        named,
        named ? 'NoConflicts' : 'NameConflict',
        named ? 'no conflicts found' : refusal.message,
      ),
      condition(
        'Established',
        served,
        served
          ? 'InitialNamesAccepted'
          : refusal.reason === 'NameConflict'
            ? 'NotAccepted'
            : refusal.reason,
        refusal?.message ?? 'its resources are served',
      ),
      ...(going
        ? [
            condition(
              'Terminating',
              true,
              'InstanceDeletionPending',
              'waits for its resources to go',
            ),
          ]
        : []),
    ],
    acceptedNames: named ? spec.names : { plural: '', kind: '' },
    storedVersions: [...new Set([...(old.storedVersions ?? []), ...stored])],
  };
}
