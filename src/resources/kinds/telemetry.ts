import { type Static, Type } from 'typebox';
import { fieldOf } from '../field-path.ts';
import { duration, flag, list, map, nullable, real, text, word } from '../fields.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed, closedOrEmpty, status } from '../schema.ts';
import { atMostOne } from '../schema-keywords.ts';
import { attachmentFields, checkAttachment, warnOfAttachment } from './attachment.ts';
import { ageColumn } from './columns.ts';

const METRICS = [
  'ALL_METRICS',
  'REQUEST_COUNT',
  'REQUEST_DURATION',
  'REQUEST_SIZE',
  'RESPONSE_SIZE',
  'TCP_OPENED_CONNECTIONS',
  'TCP_CLOSED_CONNECTIONS',
  'TCP_SENT_BYTES',
  'TCP_RECEIVED_BYTES',
  'GRPC_REQUEST_MESSAGES',
  'GRPC_RESPONSE_MESSAGES',
] as const;

const mode = lazy(() =>
  word(['CLIENT_AND_SERVER', 'CLIENT', 'SERVER'], 'Calls made, calls taken, or both.'),
);
const providers = lazy(() =>
  list(
    closed(
      { name: Type.String({ minLength: 1, description: 'Its name in the mesh settings.' }) },
      'One provider.',
    ),
    'Where it goes; those of the mesh where it is left out.',
  ),
);
const filled = (description: string) => Type.String({ minLength: 1, description });

const tagOverride = lazy(() =>
  closed(
    {
      operation: word(['UPSERT', 'REMOVE'], 'UPSERT where it is left out.'),
      value: text('Expression (CEL) over the call that gives the value.'),
    },
    'What becomes of one label of a metric.',
  ),
);

const metrics = lazy(() =>
  closed(
    {
      providers: providers(),
      overrides: list(
        closed(
          {
            match: Type.Optional(
              Type.Object(
                {
                  metric: word([...METRICS], "One of Istio's own metrics."),
                  customMetric: text('Another metric, by its name.', { minLength: 1 }),
                  mode: mode(),
                },
                {
                  additionalProperties: false,
                  description: 'Which metrics; all where it is left out.',
                  ...atMostOne(['metric', 'customMetric']),
                },
              ),
            ),
            disabled: flag('Whether they are left out.', nullable),
            tagOverrides: map(tagOverride(), 'Labels of them, by name.'),
          },
          'A change of some metrics.',
        ),
        'Changes, of which later ones win.',
      ),
      reportingInterval: duration('How often numbers are reported.'),
    },
    'What is counted.',
  ),
);

const customTag = lazy(() =>
  Type.Object(
    {
      literal: Type.Optional(closed({ value: filled('The value.') }, 'Always the same.')),
      environment: Type.Optional(
        closed(
          { name: filled('Name of the variable.'), defaultValue: text('Where it is not set.') },
          'From the environment of the proxy.',
        ),
      ),
      header: Type.Optional(
        closed(
          { name: filled('Name of the header.'), defaultValue: text('Where it is not there.') },
          'From a header of the request.',
        ),
      ),
      formatter: Type.Optional(
        closed({ value: filled('The format.') }, 'In the format of access logs.'),
      ),
    },
    {
      additionalProperties: false,
      description: 'Where the value of a tag comes from.',
      ...atMostOne(['literal', 'environment', 'header', 'formatter']),
    },
  ),
);

const tracing = lazy(() =>
  closed(
    {
      match: Type.Optional(closed({ mode: mode() }, 'Which calls.')),
      providers: providers(),
      randomSamplingPercentage: real('Share of the calls that is traced.', {
        minimum: 0,
        maximum: 100,
        ...nullable,
      }),
      disableSpanReporting: flag('Whether spans are kept back.', nullable),
      disableContextPropagation: flag('Whether headers of the trace are kept back.', nullable),
      customTags: map(customTag(), 'Further tags of spans, by name.'),
      useRequestIdForTraceSampling: flag('Whether the id of the request decides.', nullable),
      enableIstioTags: flag("Whether spans have Istio's own tags.", nullable),
    },
    'What is traced.',
  ),
);

const accessLogging = lazy(() =>
  closed(
    {
      match: Type.Optional(closed({ mode: mode() }, 'Which calls.')),
      providers: providers(),
      disabled: flag('Whether nothing is logged.', nullable),
      filter: Type.Optional(
        closed(
          { expression: text('Expression (CEL) over the call; only what it holds of is logged.') },
          'Which calls are logged.',
        ),
      ),
    },
    'What is logged.',
  ),
);

const spec = lazy(() =>
  closedOrEmpty(
    {
      ...attachmentFields,
      tracing: list(tracing(), 'What is traced.'),
      metrics: list(metrics(), 'What is counted.'),
      accessLogging: list(accessLogging(), 'What is logged.'),
    },
    'What the proxies report.',
  ),
);

const schema = lazy(() =>
  Type.Object({ spec: spec(), status: Type.Optional(status) }, { additionalProperties: false }),
);

type TelemetrySpec = Immutable<Static<ReturnType<typeof spec>>>;
/** What the proxies of a mesh, a namespace or a workload report. */
export type Telemetry = ResourceOf<'Telemetry', ReturnType<typeof schema>>;

/** Istio's Telemetry. */
export const telemetry: KindDefinition<Telemetry> = {
  group: 'telemetry.istio.io',
  versions: ['v1', 'v1alpha1'],
  kind: 'Telemetry',
  plural: 'telemetries',
  singular: 'telemetry',
  shortNames: ['telemetry'],
  categories: ['istio-io', 'telemetry-istio-io'],
  namespaced: true,
  description:
    'Says what proxies count, log and trace: for the whole mesh (in the root namespace), a namespace, or the workloads that a selector picks.',
  get schema() {
    return schema();
  },
  columns: [ageColumn],
  validate: checkTelemetry,
  warn: ({ spec: wanted }, report) => warnOfAttachment(wanted, report),
  subresources: { status: true },
  visibility: 'own-and-root',
  inert: true,
  confidential: false,
};

function checkTelemetry({ spec: wanted }: { readonly spec: TelemetrySpec }, report: Report): void {
  checkAttachment(wanted, report);
  const tags = (wanted.metrics ?? []).flatMap(({ overrides = [] }, index) =>
    overrides.flatMap(({ tagOverrides = {} }, number) =>
      Object.entries(tagOverrides).map(([tag, override]) => ({
        field: fieldOf(['metrics', index, 'overrides', number, 'tagOverrides', tag], 'spec'),
        override,
      })),
    ),
  );
  for (const { field, override } of tags) {
    const { operation = 'UPSERT', value = '' } = override;
    if (operation === 'UPSERT' && value === '') report(`${field}.value`, 'is required with UPSERT');
    if (operation === 'REMOVE' && value !== '') {
      report(`${field}.value`, 'must not be set with REMOVE');
    }
  }
}
