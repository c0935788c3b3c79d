import { compileJsonPath } from '../resources/json-path.ts';
import type { ScalePaths } from '../resources/kind-definition.ts';
import type { Resource } from '../resources/resource.ts';
import { jsonAnswer } from './api-request.ts';
import { decodeObject } from './bodies/decode-body.ts';
import { fieldIn, isJsonObject, type JsonObject, thawed, withField } from './bodies/json-object.ts';
import { inApiVersion } from './bodies/object-json.ts';
import { applyPatch } from './patch/apply-patch.ts';
import { requireObject } from './reads/read-objects.ts';
import { methodNotAllowed, type ResourceCall, requireVerb } from './resource-call.ts';
import { checkIdentity } from './rights/check-identity.ts';
import { invalid, noSuchPath } from './status-error.ts';
import type { Subresource } from './subresource.ts';
import { writeOver } from './writes/update-object.ts';
import { writeOptions } from './writes/write-options.ts';

const MOST_REPLICAS = 2 ** 31 - 1;

/** `<resource>/<name>/scale`: how many of something are wanted, whatever its fields are called. */
export const scaleSubresource: Subresource = async (call, context) => {
  const paths = call.definition.subresources?.scale;
  if (paths === undefined) throw noSuchPath();
  const { method } = call.request;
  const live = await requireObject(call, context);
  if (method === 'GET' || method === 'HEAD') return jsonAnswer(scaleOf(live, paths));
  if (method !== 'PUT' && method !== 'PATCH') throw methodNotAllowed();
  const { subresource: _, ...target } = call.target;
  requireVerb({ ...call, target }, 'update');
  const replicas = wantedReplicas(call, scaleOf(live, paths));
  const { metadata } = replicas.scale;
  const before = thawed(inApiVersion(live, call.apiVersion));
  const { uid = live.metadata.uid ?? '', resourceVersion = '' } = (metadata ?? {}) as JsonObject;
  const own = { ...(before['metadata'] as JsonObject), uid, resourceVersion };
  const changed = setAt(before, stepsOf(paths.specReplicasPath), replicas.count);
  const wanted = { ...changed, metadata: own };
  const stored = await writeOver(
    call,
    { live, wanted, options: writeOptions(call.request) },
    context,
  );
  return jsonAnswer(scaleOf(stored, paths));
};

function scaleOf(resource: Resource, paths: ScalePaths): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = resource.metadata;
  const selector = textAt(resource, paths.labelSelectorPath);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: { replicas: countAt(resource, paths.specReplicasPath) },
    status: {
      replicas: countAt(resource, paths.statusReplicasPath),
      ...(selector === undefined ? {} : { selector }),
    },
  };
}

function countAt(resource: Resource, path: string): number {
  const [found] = compileJsonPath(path)?.(resource) ?? [];
  return typeof found === 'number' ? found : 0;
}

function textAt(resource: Resource, path: string | undefined): string | undefined {
  const [found] = path === undefined ? [] : (compileJsonPath(path)?.(resource) ?? []);
  return typeof found === 'string' ? found : undefined;
}

/** What the body asks for, as a whole Scale or as a patch of the present one. */
function wantedReplicas(
  call: ResourceCall,
  present: JsonObject,
): { readonly scale: JsonObject; readonly count: number } {
  const { request, definition } = call;
  const version = 'v1';
  const asScale = {
    ...call,
    definition: { ...definition, kind: 'Scale', strategicMerge: false },
    version,
    apiVersion: 'autoscaling/v1',
  };
  const patched =
    request.method === 'PATCH'
      ? applyPatch(withoutVersion(present), request, asScale)
      : decodeObject(request);
  const scale = checkIdentity(patched, asScale);
  const count = fieldIn(fieldIn(scale, 'spec'), 'replicas') ?? 0;
  if (
    typeof count === 'number' &&
    Number.isInteger(count) &&
    count >= 0 &&
    count <= MOST_REPLICAS
  ) {
    return { scale, count };
  }
  const message = `Invalid value: ${JSON.stringify(count)}: must be a whole number and not negative`;
  throw invalid({ kind: 'Scale', group: 'autoscaling', name: call.target.name ?? '' }, [
    { reason: 'FieldValueInvalid', message, field: 'spec.replicas' },
  ]);
}

/** A patch that names no version is for whichever there is. */
function withoutVersion(scale: JsonObject): JsonObject {
  const { metadata } = scale;
  if (!isJsonObject(metadata)) return scale;
  return { ...scale, metadata: withField(metadata, 'resourceVersion', undefined) };
}

function stepsOf(path: string): readonly string[] {
  return path.split('.').filter((step) => step !== '');
}

function setAt(object: JsonObject, [step, ...rest]: readonly string[], value: number): JsonObject {
  if (step === undefined) return object;
  const inner = fieldIn(object, step);
  const below = rest.length === 0 ? value : setAt(isJsonObject(inner) ? inner : {}, rest, value);
  return withField(object, step, below);
}
