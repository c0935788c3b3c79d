import { MeshError } from '../../lib/errors.ts';
import type { FieldProblem } from '../../resources/field-problem.ts';
import { kindOf } from '../../resources/kinds.ts';
import type { Resource } from '../../resources/resource.ts';
import { validateResource } from '../../resources/validate-resource.ts';
import { decodeFact, factName, factTypeUrl } from '../../xds/fact.ts';
import type { ReceivedResource } from '../../xds/resource-sink.ts';

const MOST_PROBLEMS = 3;

/**
 * The resource in a received fact.
 *
 * @throws {MeshError} ERR_WIRE, ERR_LIMIT or ERR_RESOURCE saying why it is no good.
 */
export function decodeReceived(received: ReceivedResource, typeUrl: string): Resource {
  return checkFact(decodeFact(received), { typeUrl, name: received.name });
}

/**
 * `value` as a resource that is valid here, and of the type and name it goes under.
 *
 * @throws {MeshError} ERR_RESOURCE, or ERR_WIRE when type or name is another.
 */
export function checkFact(
  value: unknown,
  as: { readonly typeUrl: string; readonly name: string },
): Resource {
  const validation = validateResource(value);
  if ('problems' in validation) throw new MeshError('ERR_RESOURCE', describe(validation.problems));
  const { resource } = validation;
  const kind = kindOf(resource);
  const typeUrl = kind && factTypeUrl({ ...kind, version: kind.versions[0] });
  const name = factName(resource.metadata);
  if (typeUrl !== as.typeUrl || name !== as.name)
    throw new MeshError('ERR_WIRE', `it is "${name}" of ${typeUrl}, under another name or type`);
  return resource;
}

function describe(problems: readonly FieldProblem[]): string {
  const texts = problems
    .slice(0, MOST_PROBLEMS)
    .map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
  const more = problems.length - texts.length;
  if (more > 0) texts.push(`and ${more} more problems`);
  return texts.join(', ');
}
