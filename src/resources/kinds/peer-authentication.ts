import { Type } from 'typebox';
import { fieldOf } from '../field-path.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { portTextProblem } from '../port-text.ts';
import { closed, closedOrEmpty, mapOf, oneOf, status } from '../schema.ts';
import { checkSelector, selectedLabelCount, selectorSchema, warnOfSelector } from './selector.ts';

const mutualTls = closed(
  {
    mode: Type.Optional(
      oneOf(
        ['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT'],
        'STRICT accepts mutual TLS only, PERMISSIVE plaintext too, DISABLE plaintext only; UNSET, or nothing, takes the mode of the next wider policy.',
      ),
    ),
  },
  'Whether callers must come by mutual TLS.',
);

const schema = Type.Object(
  {
    spec: closedOrEmpty(
      {
        selector: Type.Optional(selectorSchema),
        mtls: Type.Optional(mutualTls),
        portLevelMtls: Type.Optional(
          mapOf(
            mutualTls,
            'Exceptions by port of the workload (not of the Service); needs a selector with labels.',
            { minProperties: 1 },
          ),
        ),
      },
      'How callers of the selected workloads must authenticate their connections.',
    ),
    status: Type.Optional(status),
  },
  { additionalProperties: false },
);

/** How inbound connections must be authenticated, for a mesh, a namespace, a workload or its ports. */
export type PeerAuthentication = ResourceOf<'PeerAuthentication', typeof schema>;

/** Istio's PeerAuthentication. */
export const peerAuthentication: KindDefinition<PeerAuthentication> = {
  group: 'security.istio.io',
  versions: ['v1', 'v1beta1'],
  kind: 'PeerAuthentication',
  plural: 'peerauthentications',
  singular: 'peerauthentication',
  shortNames: ['pa'],
  categories: ['istio-io', 'security-istio-io'],
  namespaced: true,
  description:
    'Says whether callers must use mutual TLS: for the whole mesh (in the root namespace), a namespace, the workloads that a selector picks, or single ports of them.',
  schema,
  columns: [
    { name: 'Mode', type: 'string', jsonPath: '.spec.mtls.mode' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  validate: checkPeerAuthentication,
  warn: ({ spec }, report) => warnOfSelector(spec.selector, 'spec.selector', report),
  visibility: 'mesh',
  subresources: { status: true },
  confidential: false,
};

function checkPeerAuthentication({ spec }: PeerAuthentication, report: Report): void {
  const { selector, portLevelMtls } = spec;
  checkSelector(selector, 'spec.selector', report);
  if (portLevelMtls === undefined) return;
  if (selectedLabelCount(selector) === 0) {
    report(
      'spec.portLevelMtls',
      'mesh and namespace policies cannot have port level mTLS; give spec.selector labels',
    );
  }
  for (const port of Object.keys(portLevelMtls)) {
    const problem = portTextProblem(port);
    if (problem !== undefined) report(fieldOf(['portLevelMtls', port], 'spec'), problem);
  }
}
