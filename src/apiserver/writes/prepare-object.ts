import type { FieldProblem } from '../../resources/field-problem.ts';
import { inertWarning } from '../../resources/inert-warning.ts';
import type { KindRegistry } from '../../resources/kind-registry.ts';
import type { Resource } from '../../resources/resource.ts';
import { validateResource } from '../../resources/validate-resource.ts';
import { validateCreate, validateUpdate } from '../../resources/validate-update.ts';
import { fieldsWrittenTwice } from '../bodies/decode-body.ts';
import type { JsonObject } from '../bodies/json-object.ts';
import { objectSchema } from '../discovery/api-schema.ts';
import type { ResourceCall } from '../resource-call.ts';
import { withServerMetadata } from '../server-metadata.ts';
import { badRequest, invalid } from '../status-error.ts';
import { causesOf } from './invalid-causes.ts';
import { pruneUnknown } from './unknown-fields.ts';
import type { FieldValidation } from './write-options.ts';

/**
 * What would be stored of `wanted`: without unknown fields, with defaults, valid, and with the server's
 * metadata of `live`. Warnings are added to the call's.
 *
 * @throws {StatusError} BadRequest for unknown fields when they are strict; Invalid with all causes.
 */
export function prepareObject(
  wanted: JsonObject,
  {
    call,
    live,
    kinds,
    fieldValidation,
  }: {
    readonly call: ResourceCall;
    readonly live: Resource | undefined;
    readonly kinds: KindRegistry;
    readonly fieldValidation: FieldValidation;
  },
): Resource {
  const { definition, version } = call;
  const { object, unknown } = pruneUnknown(wanted, objectSchema(definition, version));
  reportFields({ unknown, call, fieldValidation });
  const whole = withServerMetadata(object, live);
  const validated = validateResource(whole, { kinds });
  if ('problems' in validated) throw refusal(validated.problems, whole, call);
  const { resource, warnings } = validated;
  const inert = inertWarning(definition);
  call.warnings.push(...[...(inert === undefined ? [] : [inert]), ...warnings].map(warningText));
  const completed = (live && definition.completeUpdate?.(live, resource)) ?? resource;
  const problems =
    live === undefined
      ? validateCreate(completed, { definition, version })
      : validateUpdate(live, completed, { definition, version });
  if (problems.length > 0) throw refusal(problems, whole, call);
  return completed;
}

function reportFields({
  unknown,
  call,
  fieldValidation,
}: {
  readonly unknown: readonly string[];
  readonly call: ResourceCall;
  readonly fieldValidation: FieldValidation;
}): void {
  if (fieldValidation === 'Ignore') return;
  const texts = [
    ...fieldsWrittenTwice(call.request).map((field) => `duplicate field ${JSON.stringify(field)}`),
    ...unknown.map((field) => `unknown field ${JSON.stringify(field)}`),
  ];
  if (texts.length === 0) return;
  if (fieldValidation === 'Warn') {
    call.warnings.push(...texts);
    return;
  }
  const { kind } = call.definition;
  throw badRequest(
    `${kind} in version ${JSON.stringify(call.version)} cannot be handled as a ${kind}: strict decoding error: ${texts.join(', ')}`,
  );
}

function refusal(
  problems: readonly FieldProblem[],
  object: JsonObject,
  { definition }: ResourceCall,
) {
  const { kind, group, confidential, origin } = definition;
  const name = (object['metadata'] as { name?: unknown } | undefined)?.name;
  return invalid(
    // A question has a name of ours, which means nothing to who asked.
    { kind, group, name: typeof name === 'string' && origin !== 'answer' ? name : '' },
    causesOf(problems, { object, confidential }),
  );
}

function warningText({ field, message }: FieldProblem): string {
  return field === '' ? message : `${field}: ${message}`;
}
