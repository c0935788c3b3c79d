import type { AuthorizationPolicy } from '../../resources/kinds/authorization-policy.ts';
import type { AuthorizationRule } from '../../resources/kinds/authorization-policy-schema.ts';
import { pathProblem } from '../../resources/kinds/path-template.ts';
import { compareText } from '../oldest-first.ts';
import type { Workload } from '../workload.ts';
import { findWorkload } from './find-workload.ts';
import type { MeshInventory } from './mesh-inventory.ts';
import type { WorkloadCall } from './recorded-call.ts';

/** A policy that lets through what was seen, and no more; and what a person must know to judge it. */
export interface Suggestion {
  readonly policy: AuthorizationPolicy;
  /** Kinds of calls that it is made of, and how many calls they were. */
  readonly kinds: number;
  readonly calls: number;
  readonly lastSeenMs: number;
  /** Addresses of callers without identity, which the policy would refuse. */
  readonly plaintext: readonly string[];
}

/**
 * The least that lets all through that was let through, a policy for each group of workloads: callers by
 * identity, on the ports that they called, with the methods and paths that they used where those were seen.
 */
export function suggestPolicies(
  calls: readonly WorkloadCall[],
  mesh: MeshInventory,
): readonly Suggestion[] {
  const groups = Map.groupBy(
    calls.filter(({ allowed }) => allowed),
    (call) => groupOf(mesh, call),
  );
  return [...groups]
    .filter(([place]) => place !== undefined)
    .toSorted(([a = ''], [b = '']) => compareText(a, b))
    .map(([place = '', found]) => suggestion(JSON.parse(place), found))
    .filter(({ policy }) => (policy.spec.rules ?? []).length > 0);
}

interface Group {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Workloads with the same label `app` are one group; others with all of their labels. */
function groupOf(mesh: MeshInventory, call: WorkloadCall): string | undefined {
  const found = findWorkload(mesh, call.namespace, call.workload);
  if ('problem' in found) return undefined;
  const { namespace, labels, name }: Workload = found.workload;
  const { app } = labels;
  const group: Group =
    app === undefined ? { namespace, name, labels } : { namespace, name: app, labels: { app } };
  return JSON.stringify(group);
}

function suggestion(
  { namespace, name, labels }: Group,
  calls: readonly WorkloadCall[],
): Suggestion {
  const identified = calls.filter(({ principal }) => principal !== '');
  const plaintext = calls.filter(({ principal }) => principal === '');
  const selector = Object.keys(labels).length === 0 ? {} : { selector: { matchLabels: labels } };
  return {
    policy: {
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: `${name}-callers`, namespace },
      spec: { ...selector, action: 'ALLOW', rules: rulesOf(identified) },
    },
    kinds: identified.length,
    calls: identified.reduce((sum, { count }) => sum + count, 0),
    lastSeenMs: Math.max(0, ...identified.map(({ lastSeenMs }) => lastSeenMs)),
    plaintext: sorted(plaintext.map(({ sourceIp }) => sourceIp)),
  };
}

/** Callers that do the same share a rule. */
function rulesOf(calls: readonly WorkloadCall[]): AuthorizationRule[] {
  const byCaller = Map.groupBy(calls, ({ principal }) => principal);
  const byOperations = Map.groupBy(byCaller, ([, own]) => JSON.stringify(operationsOf(own)));
  return [...byOperations]
    .map(([operations, callers]) => ({
      from: [{ source: { principals: sorted(callers.map(([principal]) => principal)) } }],
      to: JSON.parse(operations),
    }))
    .toSorted((a, b) => compareText(JSON.stringify(a), JSON.stringify(b)));
}

function operationsOf(calls: readonly WorkloadCall[]): object[] {
  const requests = calls.filter(({ http }) => http !== undefined);
  const ports = sorted(
    calls
      .filter(
        ({ http, port }) => http === undefined && !requests.some((each) => each.port === port),
      )
      .map(({ port }) => String(port)),
  );
  const byPlace = Map.groupBy(requests, ({ port, http }) => JSON.stringify([port, http?.path]));
  return [
    ...(ports.length === 0 ? [] : [{ operation: { ports } }]),
    ...[...byPlace.values()]
      .map((same) => ({
        operation: {
          ports: [String(same[0]?.port)],
          methods: sorted(same.map(({ http }) => http?.method ?? '')),
          paths: [pathValue(same[0]?.http?.path ?? '')],
        },
      }))
      .toSorted((a, b) => compareText(JSON.stringify(a), JSON.stringify(b))),
  ];
}

/** A shape as a policy takes it; one that is no template there becomes what it begins with. */
function pathValue(shape: string): string {
  if (pathProblem(shape) === undefined && !shape.includes('*')) return shape;
  const isTemplate = shape.includes('{*}') && pathProblem(shape) === undefined;
  return isTemplate ? shape : `${shape.slice(0, shape.search(/[{*]/))}*`;
}

function sorted(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort(compareText);
}
