import { storedApiVersion } from '../../resources/kind-definition.ts';
import { builtInKinds } from '../../resources/kinds.ts';
import type { Resource, ResourceKey } from '../../resources/resource.ts';
import type { Happening } from './event-recorder.ts';

/** As long as Kubernetes lets a message be. */
const LONGEST_MESSAGE = 1_024;

/** The Event that says that something happened, and how often it did so far. */
export function eventOf(
  happening: Happening,
  {
    namespace,
    name,
    firstMs,
    lastMs,
    count,
    about,
    stored,
  }: {
    readonly namespace: string;
    readonly name: string;
    readonly firstMs: number;
    readonly lastMs: number;
    /** Since `stored`. */
    readonly count: number;
    readonly about: Resource | undefined;
    readonly stored: Resource | undefined;
  },
): Resource {
  const { type, reason, message, component } = happening;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: referenceTo(happening.about, about),
    reason,
    message:
      message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE - 3)}...` : message,
    source: { component },
    firstTimestamp: String(stored?.['firstTimestamp'] ?? timestamp(firstMs)),
    lastTimestamp: timestamp(lastMs),
    count: Number(stored?.['count'] ?? 0) + count,
    type,
    reportingComponent: component,
    reportingInstance: '',
  };
}

/** `describe` finds events by the uid, where there is one. */
function referenceTo({ kind, name, namespace }: ResourceKey, found: Resource | undefined): object {
  const [bare = kind] = kind.split('.');
  const definition = builtInKinds.byQualifiedKind(kind);
  const apiVersion = found?.apiVersion ?? (definition && storedApiVersion(definition));
  const uid = found?.metadata.uid;
  return {
    ...(apiVersion === undefined ? {} : { apiVersion }),
    kind: bare,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(uid === undefined ? {} : { uid }),
  };
}

function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
