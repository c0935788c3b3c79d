import { Type } from 'typebox';
import { list, textMap, texts } from '../fields.ts';
import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import { closed, closedOrEmpty, status } from '../schema.ts';
import { checkDestinationRule, warnOfDestinationRule } from './check-destination-rule.ts';
import { ageColumn } from './columns.ts';
import { selectorSchema } from './selector.ts';
import { trafficPolicySchema } from './traffic-policy-schema.ts';

const schema = lazy(() =>
  Type.Object(
    {
      spec: closedOrEmpty(
        {
          host: Type.String({
            description:
              'The service that is meant; a name without a dot is one of the namespace of the rule.',
          }),
          trafficPolicy: Type.Optional(trafficPolicySchema()),
          subsets: list(
            closed(
              {
                name: Type.String({ description: 'Name by which routes mean the subset.' }),
                labels: textMap('Labels that its endpoints carry.'),
                trafficPolicy: Type.Optional(trafficPolicySchema()),
              },
              'Some of the endpoints, under a name.',
            ),
            'Groups of endpoints, mostly versions.',
          ),
          exportTo: texts('Namespaces whose workloads the rule is for; all where it is left out.'),
          workloadSelector: Type.Optional(selectorSchema),
        },
        'What holds of calls to a service after routing.',
      ),
      status: Type.Optional(status),
    },
    { additionalProperties: false },
  ),
);

/** How calls to a service are made: by TLS or not, to which endpoint, within which bounds. */
export type DestinationRule = ResourceOf<'DestinationRule', ReturnType<typeof schema>>;

/** Istio's DestinationRule, and cipher suites and TLS versions for its clients. */
export const destinationRule: KindDefinition<DestinationRule> = {
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  kind: 'DestinationRule',
  plural: 'destinationrules',
  singular: 'destinationrule',
  shortNames: ['dr'],
  categories: ['istio-io', 'networking-istio-io'],
  namespaced: true,
  description:
    'Says how calls to a service are made: with which TLS, to which of its endpoints, and within which bounds.',
  get schema() {
    return schema();
  },
  columns: [{ name: 'Host', type: 'string', jsonPath: '.spec.host' }, ageColumn],
  validate: checkDestinationRule,
  warn: warnOfDestinationRule,
  subresources: { status: true },
  visibility: 'mesh',
  // Who a rule is not for must know of it nonetheless: it hides those for less specific hosts.
  exportedTo: isPrivate,
  confidential: false,
};

function isPrivate({ metadata, spec }: DestinationRule): readonly string[] {
  const { exportTo = [], workloadSelector } = spec;
  const [only, ...others] = exportTo;
  const own = others.length === 0 && (only === '.' || only === metadata.namespace);
  return workloadSelector !== undefined || own ? ['.'] : [];
}
