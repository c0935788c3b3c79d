import { setTimeout as delay } from 'node:timers/promises';
import { MeshError } from '../lib/errors.ts';
import { quote } from '../resources/field-problem.ts';
import type { ApiClient } from './api-client.ts';
import { ApiError } from './api-error.ts';
import { type Applied, type ApplyOptions, applyObject } from './apply-object.ts';
import { type ApiResource, type Discovery, discover, qualifiedPlural } from './discovery.ts';
import { explainRefusal } from './explain-refusal.ts';
import { type ManifestObject, type ManifestText, manifestObjects } from './manifest-objects.ts';
import { placed } from './placed.ts';

export interface ApplyManifestOptions extends ApplyOptions {
  /** For namespaced objects that name none. Default `default`. */
  readonly namespace?: string;
  /** Called after each object. */
  readonly applied?: (result: AppliedObject) => void;
  /** Before anything is stored the server judges everything, told of warnings not at all. Default true. */
  readonly preflight?: ApiClient | false;
}

export interface AppliedObject extends Applied {
  readonly resource: ApiResource;
}

const AT_ONCE = 8;
const DEFINITION = 'CustomResourceDefinition';
const PATIENCE_MS = 10_000;
const POLL_MS = 100;

/**
 * Applies the objects of manifests in their order. A manifest with a mistake changes nothing: the
 * server is asked for its judgement of every object before the first is stored.
 *
 * @throws {MeshError} ERR_RESOURCE with file and line of what is wrong; what the server says.
 */
export async function applyManifests(
  client: ApiClient,
  texts: readonly ManifestText[],
  options: ApplyManifestOptions = {},
): Promise<readonly AppliedObject[]> {
  const documents = texts.flatMap(manifestObjects);
  const discovery = await discover(client);
  const steps = documents.map((document) => stepOf(document, { discovery, documents }, options));
  refuseDuplicates(steps);
  const { preflight = client } = options;
  if (preflight !== false && steps.length > 1) await judge(preflight, steps, options);
  const results: AppliedObject[] = [];
  for (const step of steps) {
    const resource = step.resource ?? (await awaitKind(client, step, options.signal));
    const wanted = placed(step.document.object, resource, options.namespace);
    const applied = await explained(step, () => applyObject(client, { resource, wanted }, options));
    const result = { ...applied, resource };
    results.push(result);
    options.applied?.(result);
  }
  return results;
}

interface Step {
  readonly document: ManifestObject;
  /** Undefined of a kind that is defined by the same manifests. */
  readonly resource: ApiResource | undefined;
  readonly wanted: ManifestObject['object'];
  /** Whether its namespace is made by the same manifests. */
  readonly inNewNamespace: boolean;
}

function stepOf(
  document: ManifestObject,
  {
    discovery,
    documents,
  }: { readonly discovery: Discovery; readonly documents: readonly ManifestObject[] },
  { namespace }: ApplyManifestOptions,
): Step {
  const { object, source, line } = document;
  const resource = discovery.kindOf(object);
  const isDefined = documents.some(({ object: { kind, spec } }) => {
    const names = (spec as { readonly names?: { readonly kind?: unknown } } | undefined)?.names;
    return kind === DEFINITION && names?.kind === object.kind;
  });
  if (resource === undefined && !isDefined) {
    throw new MeshError(
      'ERR_RESOURCE',
      `${source}:${line}: no matches for kind ${quote(object.kind)} in version ${quote(object.apiVersion)}; see hauberk api-resources, or apply the CustomResourceDefinition first`,
    );
  }
  const wanted = resource === undefined ? object : placed(object, resource, namespace);
  const inNewNamespace = documents.some(
    ({ object: { kind, apiVersion, metadata } }) =>
      kind === 'Namespace' && apiVersion === 'v1' && metadata.name === wanted.metadata.namespace,
  );
  return { document, resource, wanted, inNewNamespace };
}

function refuseDuplicates(steps: readonly Step[]): void {
  const first = new Map<string, ManifestObject>();
  for (const { document, resource, wanted } of steps) {
    const { kind, apiVersion, metadata } = wanted;
    const what = resource === undefined ? `${kind}.${apiVersion}` : qualifiedPlural(resource);
    const key = `${what} ${metadata.namespace ?? ''} ${metadata.name}`;
    const before = first.get(key);
    if (before !== undefined) {
      const at = before.source === document.source ? '' : ` of ${before.source}`;
      throw new MeshError(
        'ERR_RESOURCE',
        `${document.source}:${document.line}: ${kind} ${quote(metadata.name)} is given twice, first on line ${before.line}${at}`,
      );
    }
    first.set(key, document);
  }
}

/** Asks the server about every object, a few at once, and stores nothing. */
async function judge(
  client: ApiClient,
  steps: readonly Step[],
  options: ApplyManifestOptions,
): Promise<void> {
  const failures = new Map<Step, unknown>();
  const waiting = steps.values();
  const worker = async (): Promise<void> => {
    for (const step of waiting) {
      try {
        await judgeOne(client, step, options);
      } catch (error) {
        failures.set(step, error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const failed = steps.find((step) => failures.has(step));
  if (failed !== undefined) throw failures.get(failed);
}

/**
 * In a namespace that there is not yet, an object is judged as if it were to go into `default`; what
 * is only wrong there is not held against it.
 */
async function judgeOne(
  client: ApiClient,
  step: Step,
  options: ApplyManifestOptions,
): Promise<void> {
  const { resource, wanted, inNewNamespace } = step;
  if (resource === undefined) return;
  const dryRun = { ...options, dryRun: 'server' } as const;
  try {
    await applyObject(client, { resource, wanted }, dryRun);
  } catch (error) {
    const noNamespace = isMissingNamespace(error) && inNewNamespace;
    if (!noNamespace) throw explainRefusal(error, step.document);
    await judgeElsewhere(client, step, dryRun);
  }
}

async function judgeElsewhere(
  client: ApiClient,
  { resource, wanted, document }: Step,
  options: ApplyOptions,
): Promise<void> {
  if (resource === undefined) return;
  const elsewhere = { ...wanted, metadata: { ...wanted.metadata, namespace: 'default' } };
  try {
    await applyObject(client, { resource, wanted: elsewhere }, options);
  } catch (error) {
    const isJudgement = ApiError.because(error, 'Invalid') || ApiError.because(error, 'BadRequest');
    if (isJudgement) throw explainRefusal(error, document);
  }
}

function isMissingNamespace(error: unknown): boolean {
  return ApiError.because(error, 'NotFound') && error.status.details.kind === 'namespaces';
}

async function explained<T>({ document }: Step, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainRefusal(error, document);
  }
}

/** A kind that was just defined is served a moment later. */
async function awaitKind(
  client: ApiClient,
  { document }: Step,
  signal: AbortSignal | undefined,
): Promise<ApiResource> {
  for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
    const resource = (await discover(client)).kindOf(document.object);
    if (resource !== undefined) return resource;
    await delay(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
  const { kind, apiVersion } = document.object;
  throw new MeshError(
    'ERR_UNREACHABLE',
    `${document.source}:${document.line}: the kind ${quote(kind)} in version ${quote(apiVersion)} is not served although it was defined`,
  );
}
