import { inVersion } from '../../resources/kind-definition.ts';
import type { Resource } from '../../resources/resource.ts';
import type { ResourceCall } from '../resource-call.ts';
import { type FieldQuery, parseFieldQuery } from './field-query.ts';
import { parseLabelQuery } from './label-query.ts';

/** Which objects of a kind a list or watch is about. */
export interface ObjectQuery {
  matches(resource: Resource): boolean;
  /** Whether labels or fields are asked for, so that an object may come and go by changing. */
  readonly selects: boolean;
  readonly namespace: string | undefined;
  /** Set when only an object of this name can match. */
  readonly name: string | undefined;
}

/** @throws {StatusError} BadRequest for selectors that cannot be read. */
export function objectQuery({ request, target, definition, version }: ResourceCall): ObjectQuery {
  const labels = request.query.get('labelSelector') ?? '';
  const fields = request.query.get('fieldSelector') ?? '';
  const byLabel = labels === '' ? undefined : parseLabelQuery(labels);
  const { selectableFields } = inVersion(definition, version);
  const byField: FieldQuery | undefined =
    fields === '' ? undefined : parseFieldQuery(fields, selectableFields);
  const namespace = target.namespace ?? byField?.namespace;
  return {
    matches: (resource) =>
      (target.namespace === undefined || resource.metadata.namespace === target.namespace) &&
      (byLabel === undefined || byLabel(resource.metadata.labels)) &&
      (byField === undefined || byField.matches(resource)),
    selects: byLabel !== undefined || byField !== undefined,
    namespace,
    name: target.name ?? byField?.name,
  };
}
