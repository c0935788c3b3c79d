import type { AuthorizationRule } from '../../resources/kinds/authorization-policy-schema.ts';
import type { Resource } from '../../resources/resource.ts';
import { usesHttp } from '../authorization/sees-http.ts';
import { type CheckAnswer, Checker } from './check-answer.ts';
import type { CheckQuestion } from './check-question.ts';
import type { MeshInventory } from './mesh-inventory.ts';
import { pathOfShape, type WorkloadCall } from './recorded-call.ts';

/** What a change does to calls of one kind. */
export interface ReplayedCall {
  readonly call: WorkloadCall;
  readonly before: CheckAnswer;
  readonly after: CheckAnswer;
}

/** What a change does to all that the mesh has seen. */
export interface Replay {
  /** Kinds of calls that would be refused and are let through now. */
  readonly refused: readonly ReplayedCall[];
  /** Kinds of calls that would be let through and are refused now. */
  readonly allowed: readonly ReplayedCall[];
  /** Seen as connections only, on ports where the change looks at their requests. */
  readonly unclear: readonly ReplayedCall[];
  /** Kinds of calls that were asked about. */
  readonly calls: number;
  /** Of which the workload is not there any more. */
  readonly unknown: number;
}

/** Asks about every recorded kind of call in the mesh as it is and as it would be. */
export function replay(
  calls: readonly WorkloadCall[],
  meshes: { readonly before: MeshInventory; readonly after: MeshInventory },
  nowMs: number,
): Replay {
  const before = new Checker(meshes.before, { nowMs });
  const after = new Checker(meshes.after, { nowMs });
  const lenient = new Checker(withoutHttp(meshes.after), { nowMs });
  const found: Record<'refused' | 'allowed' | 'unclear', ReplayedCall[]> = {
    refused: [],
    allowed: [],
    unclear: [],
  };
  let unknown = 0;
  const asked = withoutCoveredConnections(calls);
  for (const call of asked) {
    const question = questionOf(call);
    const [was, becomes] = [before.answer(question), after.answer(question)];
    if ('problem' in was || 'problem' in becomes) {
      unknown += 1;
      continue;
    }
    const replayed = { call, before: was, after: becomes };
    if (was.verdict === becomes.verdict) continue;
    if (becomes.verdict === 'allow') found.allowed.push(replayed);
    else if (call.http === undefined && isAllowed(lenient, question)) found.unclear.push(replayed);
    else found.refused.push(replayed);
  }
  return { ...found, calls: asked.length, unknown };
}

/** A recorded call as a question. */
export function questionOf(call: WorkloadCall): CheckQuestion {
  const { namespace, workload, principal, sourceIp, port, http } = call;
  return {
    source: { principal: principal === '' ? undefined : principal, ip: sourceIp },
    destination: { namespace, workload, port, protocol: http === undefined ? 'TCP' : 'HTTP' },
    http: http && { ...http, path: pathOfShape(http.path) },
  };
}

/** Where requests were seen, the connections that carried them say nothing more. */
function withoutCoveredConnections(calls: readonly WorkloadCall[]): readonly WorkloadCall[] {
  const placeOf = ({ namespace, workload, port, principal }: WorkloadCall) =>
    JSON.stringify([namespace, workload, port, principal]);
  const requests = new Set(calls.filter(({ http }) => http !== undefined).map(placeOf));
  return calls.filter((call) => call.http !== undefined || !requests.has(placeOf(call)));
}

function isAllowed(checker: Checker, question: CheckQuestion): boolean {
  const answer = checker.answer(question);
  return !('problem' in answer) && answer.verdict === 'allow';
}

/** The mesh if every request were one that its policies like. */
function withoutHttp(mesh: MeshInventory): MeshInventory {
  const authorizationPolicies = mesh.authorizationPolicies.map((policy) => {
    const { rules, action = 'ALLOW' } = policy.spec;
    if (rules === undefined) return policy;
    const kept =
      action === 'ALLOW' ? rules.map(withoutHttpFields) : rules.filter((rule) => !usesHttp(rule));
    return { ...policy, spec: { ...policy.spec, rules: kept } };
  });
  return { ...mesh, authorizationPolicies };
}

function withoutHttpFields({
  from = [],
  to = [],
  when = [],
}: AuthorizationRule): AuthorizationRule {
  return {
    from: from.map(({ source = {} }) => {
      const { requestPrincipals: _a, notRequestPrincipals: _b, ...kept } = source;
      return { source: kept };
    }),
    to: to.map(({ operation: { ports = [], notPorts = [] } = {} }) => ({
      operation: { ports, notPorts },
    })),
    when: when.filter(({ key }) => !key.startsWith('request.')),
  };
}

/** `before` with `changed` over it: what has the same kind, namespace and name is replaced. */
export function changedResources(
  before: readonly Resource[],
  changed: readonly Resource[],
): readonly Resource[] {
  const keyOf = ({ kind, metadata }: Resource) =>
    JSON.stringify([kind, metadata.namespace ?? '', metadata.name]);
  return [...new Map([...before, ...changed].map((each) => [keyOf(each), each])).values()];
}
