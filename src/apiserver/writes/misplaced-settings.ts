import { qualifiedKind } from '../../resources/kind-definition.ts';
import type { AdmissionCheck } from '../api-context.ts';

/** Warns of settings of the mesh that nobody reads, because they are not in the root namespace. */
export function misplacedSettings(rootNamespace: string): AdmissionCheck {
  return async ({ definition, resource: { metadata }, deletion }) => {
    if (deletion || qualifiedKind(definition) !== 'IstioOperator.install.istio.io') return [];
    const { namespace, name } = metadata;
    if (namespace === rootNamespace) return [];
    return [
      `IstioOperator "${name}" has no effect in the namespace "${namespace}": the mesh reads the one in "${rootNamespace}"`,
    ];
  };
}
