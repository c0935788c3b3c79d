import { Type } from 'typebox';
import { int32, text } from '../fields.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import type { Resource } from '../resource.ts';
import { closed } from '../schema.ts';
import { objectReference } from './object-reference.ts';

const schema = lazy(() =>
  Type.Object(
    {
      involvedObject: objectReference(),
      reason: text('Why, as one word: `Issued`.'),
      message: text('What happened, for people.'),
      source: Type.Optional(
        closed({ component: text('Its name.'), host: text('Its host.') }, 'Who noticed.'),
      ),
      firstTimestamp: text('When it happened first, in RFC 3339.', { format: 'date-time' }),
      lastTimestamp: text('When it happened last, in RFC 3339.', { format: 'date-time' }),
      count: int32('How often it happened.'),
      type: text('Normal or Warning.'),
      eventTime: text('When it happened, in RFC 3339.', { format: 'date-time' }),
      series: Type.Optional(
        closed(
          {
            count: int32('How often.'),
            lastObservedTime: text('When last.', { format: 'date-time' }),
          },
          'How often it happened, of the newer sort.',
        ),
      ),
      action: text('What was done.'),
      related: Type.Optional(objectReference()),
      reportingComponent: text('Who noticed: a name such as `hauberk.dev/signing`.'),
      reportingInstance: text('Which of them.'),
    },
    { additionalProperties: false },
  ),
);

/** Something that happened to an object. */
export type Event = ResourceOf<'Event', ReturnType<typeof schema>>;

/** Kubernetes' Event of the core group. */
export const event: KindDefinition<Event> = {
  group: '',
  versions: ['v1'],
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  categories: [],
  namespaced: true,
  description: 'Something that happened to an object, for people to read; forgotten after a while.',
  get schema() {
    return schema();
  },
  columns: [
    { name: 'Last Seen', type: 'date', jsonPath: '.lastTimestamp', cell: lastSeen },
    { name: 'Type', type: 'string', jsonPath: '.type' },
    { name: 'Reason', type: 'string', jsonPath: '.reason' },
    { name: 'Object', type: 'string', jsonPath: '.involvedObject.name', cell: object },
    { name: 'Subobject', type: 'string', priority: 1, jsonPath: '.involvedObject.fieldPath' },
    { name: 'Source', type: 'string', priority: 1, jsonPath: '.source.component', cell: source },
    { name: 'Message', type: 'string', jsonPath: '.message' },
    { name: 'First Seen', type: 'date', priority: 1, jsonPath: '.firstTimestamp', cell: firstSeen },
    { name: 'Count', type: 'integer', priority: 1, jsonPath: '.count' },
  ],
  validate: checkEvent,
  selectableFields: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  strategicMerge: true,
  passing: true,
  visibility: 'never',
  confidential: false,
};

function checkEvent({ metadata, involvedObject }: Event, report: Report): void {
  const { namespace = '' } = involvedObject;
  const { namespace: own = '' } = metadata;
  if (namespace === '' ? own !== 'default' : namespace !== own) {
    report(
      'involvedObject.namespace',
      namespace === ''
        ? 'of an object in no namespace the event is in the namespace "default"'
        : 'must be the namespace of the event',
    );
  }
}

function lastSeen(resource: Resource): string | undefined {
  const { series, lastTimestamp, eventTime, metadata } = resource as Event;
  return series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp;
}

function firstSeen(resource: Resource): string | undefined {
  const { firstTimestamp, eventTime, metadata } = resource as Event;
  return firstTimestamp ?? eventTime ?? metadata.creationTimestamp;
}

function object(resource: Resource): string {
  const { kind = '', name = '' } = (resource as Event).involvedObject;
  return `${kind.toLowerCase()}/${name}`;
}

function source(resource: Resource): string {
  const { source: from, reportingComponent = '' } = resource as Event;
  const component = from?.component ?? reportingComponent;
  return from?.host === undefined ? component : `${component}, ${from.host}`;
}
