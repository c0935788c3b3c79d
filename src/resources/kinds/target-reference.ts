import { type Static, Type } from 'typebox';
import { quote } from '../field-problem.ts';
import type { Report } from '../kind-definition.ts';
import type { Immutable } from '../resource.ts';
import { closed } from '../schema.ts';

/** The Gateway API's reference from a policy to what it is attached to. */
export const targetReferenceSchema = closed(
  {
    group: Type.Optional(Type.String({ maxLength: 253, description: 'API group of the target.' })),
    kind: Type.String({ minLength: 1, maxLength: 63, description: 'Kind of the target.' }),
    name: Type.String({ minLength: 1, maxLength: 253, description: 'Name of the target.' }),
    namespace: Type.Optional(
      Type.String({ description: 'Must stay empty: a target is in the namespace of its policy.' }),
    ),
  },
  'What the policy is attached to, in the namespace of the policy.',
);

type TargetReference = Immutable<Static<typeof targetReferenceSchema>>;

/** The groups of the kinds that can be a target; the core group may be written `core`. */
const TARGET_GROUPS: Readonly<Record<string, readonly string[]>> = {
  Service: ['', 'core'],
  ServiceEntry: ['networking.istio.io'],
  Gateway: ['gateway.networking.k8s.io'],
  GatewayClass: ['gateway.networking.k8s.io'],
};

/** Istio's rules for a target reference at `field`. */
export function checkTargetReference(
  reference: TargetReference,
  field: string,
  report: Report,
): void {
  const { group = '', kind, namespace = '' } = reference;
  const groups = Object.hasOwn(TARGET_GROUPS, kind) ? TARGET_GROUPS[kind] : undefined;
  if (groups?.includes(group) !== true) {
    const given = group === '' ? kind : `${group}/${kind}`;
    report(
      field,
      `must be to one of Service, networking.istio.io/ServiceEntry, gateway.networking.k8s.io/Gateway and gateway.networking.k8s.io/GatewayClass, not ${quote(given)}`,
    );
  }
  if (namespace !== '') {
    report(`${field}.namespace`, 'a target in another namespace is not supported; leave it out');
  }
}
