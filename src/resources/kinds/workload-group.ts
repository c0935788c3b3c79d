import { type Static, Type } from 'typebox';
import { int32, list, text, textMap } from '../fields.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import { checkLabels } from '../metadata.ts';
import type { Immutable } from '../resource.ts';
import { closed, port, status } from '../schema.ts';
import { atMostOne } from '../schema-keywords.ts';
import { checkEndpoint } from './check-endpoint.ts';
import { ageColumn } from './columns.ts';
import { endpointSchema } from './endpoint-schema.ts';

const HEADER = /^[-_A-Za-z0-9]+$/;

const probe = lazy(() =>
  Type.Object(
    {
      initialDelaySeconds: int32('Seconds from the start to the first probe.', { minimum: 0 }),
      timeoutSeconds: int32('Seconds that a probe may take.', { minimum: 0 }),
      periodSeconds: int32('Seconds between two probes.', { minimum: 0 }),
      successThreshold: int32('Successes in a row that make it ready.', { minimum: 0 }),
      failureThreshold: int32('Failures in a row that make it not ready.', { minimum: 0 }),
      httpGet: Type.Optional(
        closed(
          {
            path: text('Path of the request.'),
            port: port('Port that is asked.'),
            host: text('Host that is asked; the workload itself where it is left out.'),
            scheme: text('HTTP or HTTPS.', { 'x-hauberk-check': schemeProblem }),
            httpHeaders: list(
              closed(
                {
                  name: text('Name.', { 'x-hauberk-check': headerProblem }),
                  value: text('Value.'),
                },
                'One header.',
              ),
              'Headers of the request.',
            ),
          },
          'Ready when a GET is answered below 400.',
        ),
      ),
      tcpSocket: Type.Optional(
        closed(
          { port: port('Port that is connected to.'), host: text('Host that is connected to.') },
          'Ready when a connection is taken.',
        ),
      ),
      exec: Type.Optional(
        closed(
          {
            command: Type.Array(Type.String({ minLength: 1 }), {
              description: 'Program and arguments.',
            }),
          },
          'Ready when a command ends with 0.',
        ),
      ),
      grpc: Type.Optional(
        closed(
          { port: Type.Optional(port('Port that is asked.')), service: text('Service asked for.') },
          'Ready when the health service says so.',
        ),
      ),
    },
    {
      additionalProperties: false,
      description: 'How it is found out whether a workload can be called.',
      ...atMostOne(['httpGet', 'tcpSocket', 'exec', 'grpc']),
    },
  ),
);

const spec = lazy(() =>
  closed(
    {
      metadata: Type.Optional(
        closed(
          {
            labels: textMap('Labels.', { maxProperties: 256 }),
            annotations: textMap('Annotations.', { maxProperties: 256 }),
          },
          'What each WorkloadEntry of the group gets.',
        ),
      ),
      template: endpointSchema(),
      probe: Type.Optional(probe()),
    },
    'What the workloads of the group have in common.',
  ),
);

const schema = lazy(() =>
  Type.Object({ spec: spec(), status: Type.Optional(status) }, { additionalProperties: false }),
);

type WorkloadGroupSpec = Immutable<Static<ReturnType<typeof spec>>>;
/** Workloads that are alike, of which each becomes a WorkloadEntry when it connects. */
type WorkloadGroup = ResourceOf<'WorkloadGroup', ReturnType<typeof schema>>;

/** Istio's WorkloadGroup. */
export const workloadGroup: KindDefinition<WorkloadGroup> = {
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  kind: 'WorkloadGroup',
  plural: 'workloadgroups',
  singular: 'workloadgroup',
  shortNames: ['wg'],
  categories: ['istio-io', 'networking-istio-io'],
  namespaced: true,
  description:
    'Describes workloads that are alike, as a Deployment does of Pods: each becomes a WorkloadEntry of this form.',
  get schema() {
    return schema();
  },
  columns: [ageColumn],
  validate: checkWorkloadGroup,
  subresources: { status: true },
  visibility: 'never',
  inert: true,
  confidential: false,
};

function checkWorkloadGroup({ spec: group }: { readonly spec: WorkloadGroupSpec }, report: Report) {
  checkEndpoint(group.template, { field: 'spec.template', isTemplate: true }, report);
  checkLabels(group.metadata?.labels, 'spec.metadata.labels', report);
}

function schemeProblem(scheme: string): string | undefined {
  return ['', 'HTTP', 'HTTPS'].includes(scheme) ? undefined : 'must be HTTP or HTTPS';
}

function headerProblem(name: string): string | undefined {
  return HEADER.test(name) ? undefined : 'a header name has letters, digits, "-" and "_" only';
}
