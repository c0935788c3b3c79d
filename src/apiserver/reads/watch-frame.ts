import type { Resource } from '../../resources/resource.ts';
import type { ApiContext } from '../api-context.ts';
import { inApiVersion, objectJson } from '../bodies/object-json.ts';
import type { ResourceCall } from '../resource-call.ts';
import type { Status } from '../status-error.ts';
import { tableOptions } from './read-objects.ts';
import type { Representation } from './representation.ts';
import { partialObject, tableOf, tableRow } from './table.ts';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

const frames = new WeakMap<Resource, Map<string, Buffer>>();

/** The bytes of one event. Every watcher that takes the same form is sent the same buffer. */
export function eventFrame(
  type: WatchEventType,
  resource: Resource,
  form: {
    readonly call: ResourceCall;
    readonly context: ApiContext;
    readonly representation: Representation;
  },
): Buffer {
  const { call, representation } = form;
  const includeObject = call.request.query.get('includeObject') ?? '';
  const name = [
    type,
    call.apiVersion,
    ...Object.values(representation),
    representation.as === 'table' ? includeObject : '',
  ].join(' ');
  let made = frames.get(resource);
  if (made === undefined) {
    made = new Map();
    frames.set(resource, made);
  }
  const known = made.get(name);
  if (known !== undefined) return known;
  const frame = Buffer.from(`{"type":"${type}","object":${objectText(resource, form)}}\n`);
  made.set(name, frame);
  return frame;
}

function objectText(
  resource: Resource,
  {
    call,
    context,
    representation,
  }: {
    readonly call: ResourceCall;
    readonly context: ApiContext;
    readonly representation: Representation;
  },
): string {
  if (representation.as === 'object') return objectJson(resource, call.apiVersion);
  const shown = inApiVersion(resource, call.apiVersion);
  if (representation.as === 'partial') {
    return JSON.stringify(partialObject(shown, representation.version));
  }
  const options = tableOptions(call, context, representation.version);
  const { resourceVersion = '' } = resource.metadata;
  return JSON.stringify(tableOf([tableRow(shown, options)], { resourceVersion }, options));
}

const INITIAL_END = 'k8s.io/initial-events-end';

/** Says that everything up to `version` has been sent. */
export function bookmarkFrame(
  version: number,
  {
    call,
    representation,
    initialEnd,
  }: {
    readonly call: ResourceCall;
    readonly representation: Representation;
    readonly initialEnd: boolean;
  },
): Buffer {
  const metadata = {
    resourceVersion: String(version),
    creationTimestamp: null,
    ...(initialEnd ? { annotations: { [INITIAL_END]: 'true' } } : {}),
  };
  const object =
    representation.as === 'table'
      ? {
          kind: 'Table',
          apiVersion: `meta.k8s.io/${representation.version}`,
          metadata: { resourceVersion: String(version) },
          columnDefinitions: [],
          rows: [],
        }
      : { kind: call.definition.kind, apiVersion: call.apiVersion, metadata };
  return Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
}

/** Ends a watch with the reason. */
export function errorFrame(status: Status): Buffer {
  return Buffer.from(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
}
