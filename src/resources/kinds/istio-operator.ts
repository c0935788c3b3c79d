import { type Static, Type } from 'typebox';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import { anyObject, flag, list, text, textMap } from '../fields.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import { meshCurvesProblem } from '../mesh-config-text.ts';
import type { Immutable } from '../resource.ts';
import { closed, closedOrEmpty, status } from '../schema.ts';
import { ageColumn } from './columns.ts';
import { meshConfigSchema } from './mesh-config-schema.ts';

const open = { 'x-kubernetes-preserve-unknown-fields': true };

const component = lazy(() =>
  closed(
    {
      enabled: flag('Whether it is installed.'),
      namespace: text('Namespace of it.'),
      hub: text('Where its images are.'),
      tag: Type.Optional(
        Type.Unsafe<string | number>({
          type: ['string', 'integer'],
          'x-kubernetes-int-or-string': true,
          description: 'Tag of its images.',
        }),
      ),
      spec: anyObject('Settings of its own.'),
      k8s: anyObject('Settings of its objects in Kubernetes; not used outside of it.'),
    },
    'One part of an installation.',
  ),
);
const gateways = (description: string) =>
  list(
    closed(
      {
        name: text('Name of the gateway.'),
        enabled: flag('Whether it is installed.'),
        namespace: text('Namespace of it.'),
        label: textMap('Labels of it.'),
        hub: text('Where its images are.'),
        tag: text('Tag of its images.'),
        k8s: anyObject('Settings of its objects in Kubernetes; not used outside of it.'),
      },
      'One gateway.',
    ),
    description,
  );

const spec = lazy(() =>
  closedOrEmpty(
    {
      profile: text('Settings that these are laid over; all profiles are the same here.'),
      installPackagePath: text('Not used.'),
      hub: text('Where images are; not used.'),
      tag: Type.Optional(
        Type.Unsafe<string | number>({
          type: ['string', 'integer'],
          'x-kubernetes-int-or-string': true,
          description: 'Tag of images; not used.',
        }),
      ),
      namespace: text('Namespace of the control plane.'),
      revision: text('Revision of the control plane.'),
      compatibilityVersion: text('Version of Istio whose defaults hold; not used.'),
      defaultRevision: flag('Whether it is the default revision.'),
      meshConfig: Type.Optional(meshConfigSchema()),
      components: Type.Optional(
        closed(
          {
            base: Type.Optional(component()),
            pilot: Type.Optional(component()),
            cni: Type.Optional(component()),
            ztunnel: Type.Optional(component()),
            istiodRemote: Type.Optional(component()),
            ingressGateways: gateways('Gateways for callers from outside.'),
            egressGateways: gateways('Gateways for calls to outside.'),
          },
          'The parts of an installation.',
        ),
      ),
      addonComponents: anyObject('No longer used by Istio.'),
      values: Type.Optional(
        Type.Object(
          {
            global: Type.Optional(
              Type.Object(
                {
                  mtls: Type.Optional(
                    closed(
                      {
                        enabled: flag('Whether the mesh takes mutual TLS only: STRICT where true.'),
                        auto: flag('Whether callers use mutual TLS wherever it is taken.'),
                      },
                      'Mutual TLS in the whole mesh.',
                    ),
                  ),
                  istioNamespace: text('Root namespace.'),
                  meshID: text('Name of the mesh.'),
                  network: text('Network of the workloads.'),
                },
                { ...open, description: 'Settings of all parts.' },
              ),
            ),
          },
          { ...open, description: 'Settings of the Helm charts; only those named here count.' },
        ),
      ),
      unvalidatedValues: anyObject('Further settings of the Helm charts; not used.'),
    },
    'What the mesh is like.',
  ),
);

const schema = lazy(() =>
  Type.Object({ spec: spec(), status: Type.Optional(status) }, { additionalProperties: false }),
);

type IstioOperatorSpec = Immutable<Static<ReturnType<typeof spec>>>;
/** What the mesh is like as a whole. */
export type IstioOperator = ResourceOf<'IstioOperator', ReturnType<typeof schema>>;

/** Istio's IstioOperator, of which `meshConfig` and `values.global.mtls` count. */
export const istioOperator: KindDefinition<IstioOperator> = {
  group: 'install.istio.io',
  versions: ['v1alpha1'],
  kind: 'IstioOperator',
  plural: 'istiooperators',
  singular: 'istiooperator',
  shortNames: ['iop', 'io'],
  categories: [],
  namespaced: true,
  // What istioctl calls the one that it was given without a name.
  unnamed: { name: 'installed-state', namespace: 'istio-system' },
  description:
    'Settings of the whole mesh, as they are given to Istio at installation. There is nothing to install: meshConfig and values.global.mtls count, the rest is kept.',
  get schema() {
    return schema();
  },
  columns: [
    { name: 'Revision', type: 'string', jsonPath: '.spec.revision' },
    { name: 'Status', type: 'string', jsonPath: '.status.status' },
    ageColumn,
  ],
  validate: checkOperator,
  warn: warnOfOperator,
  subresources: { status: true },
  visibility: 'own-and-root',
  confidential: false,
};

function checkOperator(
  { spec: wanted }: { readonly spec: IstioOperatorSpec },
  report: Report,
): void {
  const { trustDomain, trustDomainAliases = [] } = wanted.meshConfig ?? {};
  const curves = meshCurvesProblem(wanted.meshConfig ?? {});
  if (curves !== undefined) report('spec.meshConfig.meshMTLS.ecdhCurves', curves);
  const domains: [string, string][] = trustDomainAliases.map((alias, index) => [
    `spec.meshConfig.trustDomainAliases[${index}]`,
    alias,
  ]);
  if (trustDomain !== undefined) domains.push(['spec.meshConfig.trustDomain', trustDomain]);
  for (const [field, domain] of domains) {
    try {
      TrustDomain.parse(domain);
    } catch {
      report(field, 'is not a trust domain: use lower case letters, digits, ".", "-" and "_"');
    }
  }
}

function warnOfOperator(
  { spec: wanted }: { readonly spec: IstioOperatorSpec },
  report: Report,
): void {
  for (const [name, part] of Object.entries(wanted.components ?? {})) {
    if (part !== undefined && name !== 'pilot') {
      report(`spec.components.${name}`, 'has no effect: there is nothing to install');
    }
  }
}
