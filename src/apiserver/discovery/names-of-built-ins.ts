import { quote } from '../../resources/field-problem.ts';
import { qualifiedKind } from '../../resources/kind-definition.ts';
import type { KindRegistry } from '../../resources/kind-registry.ts';
import type { AdmissionCheck } from '../api-context.ts';
import { fieldIn } from '../bodies/json-object.ts';
import { invalid } from '../status-error.ts';

/** Refuses definitions of what is built in, at once and with the reason. */
export function namesOfBuiltIns({ builtIns }: Pick<KindRegistry, 'builtIns'>): AdmissionCheck {
  return async ({ definition, resource, deletion }) => {
    if (deletion || qualifiedKind(definition) !== 'CustomResourceDefinition.apiextensions.k8s.io') {
      return [];
    }
    const { name } = resource.metadata;
    const { spec } = resource;
    const group = fieldIn(spec, 'group');
    const names = fieldIn(spec, 'names');
    const taken = builtIns.find(
      (one) =>
        one.group === group &&
        (one.plural === fieldIn(names, 'plural') || one.kind === fieldIn(names, 'kind')),
    );
    if (taken === undefined) return [];
    const message = `Forbidden: ${quote(`${taken.plural}.${taken.group}`)} is built in, with its own schema, and needs no definition; leave this one out`;
    throw invalid({ ...definition, name }, [
      { reason: 'FieldValueForbidden', message, field: 'spec.names' },
    ]);
  };
}
