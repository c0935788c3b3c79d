import type { KindDefinition } from '../resources/kind-definition.ts';
import type { KindRegistry } from '../resources/kind-registry.ts';
import { decodeObject } from './bodies/decode-body.ts';
import { fieldIn, isJsonObject, type JsonObject, withField } from './bodies/json-object.ts';
import type { ResourceCall } from './resource-call.ts';
import { checkIdentity } from './rights/check-identity.ts';
import { prepareObject } from './writes/prepare-object.ts';
import { writeOptions } from './writes/write-options.ts';

/** Questions have no name, and every other object has one. */
const NAME = 'question';

/**
 * The question in the body of a request, valid by its kind. Its name, if it has none, stays away.
 *
 * @throws {StatusError} as for every object that is written.
 */
export function readQuestion(call: ResourceCall, kinds: KindRegistry): JsonObject {
  const { target, ...rest } = call;
  const { name: _, ...unnamed } = target;
  const asked = { ...rest, target: unnamed };
  const body = checkIdentity(decodeObject(call.request), asked);
  const written = fieldIn(body, 'metadata');
  const metadata = isJsonObject(written) ? written : {};
  const { fieldValidation } = writeOptions(call.request);
  const named = { ...body, metadata: { ...metadata, name: NAME } };
  const spec = fieldIn(named, 'spec') === undefined && takesSpec(call.definition) ? {} : undefined;
  const wanted = spec === undefined ? named : { ...named, spec };
  const valid = prepareObject(wanted, { call: asked, live: undefined, kinds, fieldValidation });
  return {
    ...(valid as unknown as JsonObject),
    metadata: withField(metadata, 'creationTimestamp', null),
  };
}

function takesSpec({ kind }: KindDefinition): boolean {
  return kind !== 'SelfSubjectReview';
}
