import type { Authorization } from '../authorization/authorization.ts';
import type { Call } from '../authorization/call.ts';
import { compileAuthorization } from '../authorization/compile-authorization.ts';
import type { Decision, PolicyReference } from '../authorization/decision.ts';
import { describeCall } from '../authorization/describe-call.ts';
import { namespacesIn } from '../authorization/identity-parts.ts';
import { normalizeTarget } from '../authorization/normalize-path.ts';
import type { TraceStep } from '../authorization/trace-decision.ts';
import { effectivePeerAuthentication } from '../effective-peer-authentication.ts';
import { type CheckedToken, checkToken } from '../tokens/check-token.ts';
import { asksAboutHttp, type CheckQuestion, callOf, labelledWorkload } from './check-question.ts';
import { type FoundWorkload, findWorkload } from './find-workload.ts';
import type { MeshInventory } from './mesh-inventory.ts';

/** What the mesh would do with a call, and why. */
export interface CheckAnswer {
  readonly verdict: 'allow' | 'deny';
  /** Of the HTTP answer that the caller would get from the proxy, 200 where it is let through; null on TCP. */
  readonly status: number | null;
  /** Of the policies that decided; ALLOW too where none of them matched; null: nobody had to. */
  readonly action: 'CUSTOM' | 'JWT' | 'MTLS' | 'DENY' | 'ALLOW' | null;
  /** `namespace/name` of the policy that decided; null where none did. */
  readonly policy: string | null;
  readonly rule: number | null;
  readonly reason: string;
  /** What the call looked like. */
  readonly request: string;
  /** The workload that is called. */
  readonly workload: string;
  /** What was assumed, and what the question cannot tell. */
  readonly notes: readonly string[];
  /** Rules of AUDIT policies that matched. */
  readonly audited: readonly string[];
  /** What dry-run policies would have decided. */
  readonly dryRun: readonly string[];
  readonly trace: readonly TraceStep[];
  /** Rules that are left out of the trace, because they are too many. */
  readonly leftOut: number;
}

const FORBIDDEN = 403;
const PORT = 80;

/** Answers questions about one mesh. Workloads are compiled once, however many questions there are. */
export class Checker {
  readonly #inventory: MeshInventory;
  readonly #nowMs: number;
  readonly #compiled = new Map<string, Authorization>();
  readonly #found = new Map<string, FoundWorkload | { readonly problem: string }>();

  constructor(inventory: MeshInventory, { nowMs }: { readonly nowMs: number }) {
    this.#inventory = inventory;
    this.#nowMs = nowMs;
  }

  /** The answer, or what keeps there from being one. */
  answer(question: CheckQuestion): CheckAnswer | { readonly problem: string } {
    const found = this.#workloadOf(question);
    if ('problem' in found) return found;
    const target = normalizeTarget(
      question.http?.path ?? '/',
      this.#inventory.settings.pathNormalization,
    );
    if ('problem' in target) return { problem: `http.path: ${target.problem}` };
    const notes = [...found.notes, ...callerNotes(question)];
    const port = portOf(question, found, notes);
    const claims = claimsOf(question.jwt);
    if (claims !== undefined && 'problem' in claims) return claims;
    const token: CheckedToken =
      claims === undefined || !asksAboutHttp(question)
        ? { facts: undefined, notes: [] }
        : checkToken(claims.claims, found.workload, { ...this.#inventory, nowMs: this.#nowMs });
    const facts = 'facts' in token ? token.facts : undefined;
    const call = callOf(question, { port, ...target, token: facts });
    return this.#judge(call, { found, token, notes });
  }

  #judge(
    call: Call,
    of: { readonly found: FoundWorkload; readonly token: CheckedToken; readonly notes: string[] },
  ): CheckAnswer {
    const { found, token, notes } = of;
    const authorization = this.#authorizationOf(found);
    const base = baseOf(call, found);
    const strict = this.#refusedPlaintext(call, found);
    if (strict !== undefined) return { ...base, ...strict, notes };
    const custom = authorization.custom(call);
    if (custom?.verdict === 'deny') return answerOf(authorization, call, custom, { base, notes });
    if (custom?.verdict === 'ask') {
      const { text } = authorization.explain(call, custom);
      notes.push(`${text}; it is taken to agree`);
    }
    if ('refused' in token) return { ...base, ...refusedToken(token), notes };
    notes.push(...token.notes);
    const decision = decide(authorization, call);
    if (call.http === undefined && authorization.needsHttp(call.connection.destinationPort)) {
      notes.push(
        'policies of the workload look at HTTP: give a method and a path to ask about a request',
      );
    }
    return answerOf(authorization, call, decision, { base, notes });
  }

  #workloadOf(question: CheckQuestion): FoundWorkload | { readonly problem: string } {
    const { namespace, workload, labels } = question.destination;
    if (labels !== undefined || workload === undefined) {
      return { workload: labelledWorkload(question), by: 'labels', ports: [], notes: [] };
    }
    return this.#found.getOrInsertComputed(`${namespace}/${workload}`, () =>
      findWorkload(this.#inventory, namespace, workload),
    );
  }

  #authorizationOf({ workload }: FoundWorkload): Authorization {
    const key = JSON.stringify([workload.namespace, workload.labels]);
    const { authorizationPolicies, settings } = this.#inventory;
    return this.#compiled.getOrInsertComputed(key, () =>
      compileAuthorization(authorizationPolicies, workload, settings),
    );
  }

  /** Before anybody asks who may: a port that takes mutual TLS only does not take plaintext. */
  #refusedPlaintext(
    { connection }: Call,
    { workload }: FoundWorkload,
  ): Partial<CheckAnswer> | undefined {
    const { principal = '', destinationPort } = connection;
    if (principal !== '') return undefined;
    const { peerAuthentications, settings } = this.#inventory;
    const { mode, by } = effectivePeerAuthentication(
      peerAuthentications,
      workload,
      destinationPort,
      settings,
    );
    if (mode !== 'STRICT') return undefined;
    const policy = by === undefined ? null : `${by.namespace}/${by.name}`;
    const who = by === undefined ? 'the mesh' : `PeerAuthentication ${policy}`;
    const reason = `${who} is STRICT: port ${destinationPort} takes mutual TLS only`;
    return { verdict: 'deny', status: null, action: 'MTLS', policy, reason };
  }
}

function decide(authorization: Authorization, call: Call): Decision {
  const { connection, http, token } = call;
  return http === undefined
    ? authorization.authorizeConnection(connection, 'answered')
    : authorization.authorizeRequest({ connection, http, token }, 'answered');
}

function baseOf(call: Call, { workload }: FoundWorkload): CheckAnswer {
  return {
    verdict: 'allow',
    status: null,
    action: null,
    policy: null,
    rule: null,
    reason: '',
    request: describeCall(call),
    workload: nameOf(workload),
    notes: [],
    audited: [],
    dryRun: [],
    trace: [],
    leftOut: 0,
  };
}

/** Policies compare namespaces with identities: what a question says of the namespace besides decides nothing. */
function callerNotes({ source: { principal = '', namespace } }: CheckQuestion): readonly string[] {
  if (namespace === undefined || namespace === '') return [];
  if (principal === '') {
    return [
      'source.principal is not given, so the caller has no identity and its namespace matches nothing',
    ];
  }
  return [namespacesIn(principal)].flat().includes(namespace)
    ? []
    : [`the namespace of the caller is that of its principal, not source.namespace`];
}

/** `namespace/name`, or `namespace/{app=reviews}` of one that is known by its labels. */
function nameOf({ namespace, name, labels }: FoundWorkload['workload']): string {
  if (name !== '') return `${namespace}/${name}`;
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return `${namespace}/{${pairs.join(',')}}`;
}

function answerOf(
  authorization: Authorization,
  call: Call,
  decision: Decision,
  { base, notes }: { readonly base: CheckAnswer; readonly notes: readonly string[] },
): CheckAnswer {
  const allowed = decision.verdict !== 'deny';
  const by = 'by' in decision ? decision.by : undefined;
  const { steps, leftOut } = authorization.trace(call, decision);
  return {
    ...base,
    verdict: allowed ? 'allow' : 'deny',
    status: call.http === undefined ? null : allowed ? 200 : FORBIDDEN,
    action: actionOf(decision),
    policy: by === undefined ? null : `${by.namespace}/${by.name}`,
    rule: by === undefined ? null : by.rule,
    reason: authorization.explain(call, decision).text,
    notes,
    audited: decision.audited.map(placeOf),
    dryRun: decision.shadow.map(
      ({ action, verdict, by: shadow }) =>
        `${action} policies would ${verdict}${shadow === undefined ? '' : ` by ${placeOf(shadow)}`}`,
    ),
    trace: steps,
    leftOut,
  };
}

function actionOf(decision: Decision): CheckAnswer['action'] {
  if (decision.verdict === 'ask') return 'CUSTOM';
  if (decision.verdict === 'allow') return decision.by === undefined ? null : 'ALLOW';
  return decision.reason === 'denied-by-policy' ? decision.action : 'ALLOW';
}

function refusedToken(token: Extract<CheckedToken, { refused: number }>): Partial<CheckAnswer> {
  const { refused, policy, rule, because } = token;
  const reason = `RequestAuthentication${policy === undefined ? '' : ` ${policy}`}: ${because}`;
  return {
    verdict: 'deny',
    status: refused,
    action: 'JWT',
    policy: policy ?? null,
    rule: rule ?? null,
    reason,
  };
}

function placeOf({ namespace, name, rule }: PolicyReference): string {
  return `${namespace}/${name}[${rule}]`;
}

function portOf(question: CheckQuestion, { ports }: FoundWorkload, notes: string[]): number {
  const { port } = question.destination;
  if (port !== undefined) return port;
  const [first = PORT] = ports;
  const several = ports.length > 1 ? `, the first of ${ports.join(', ')}` : '';
  notes.push(`no port is given, so ${first} is taken${several}`);
  return first;
}

/** The payload of a token, or the claims that stand for it. */
function claimsOf(
  jwt: CheckQuestion['jwt'],
):
  | { readonly claims: Readonly<Record<string, unknown>> }
  | { readonly problem: string }
  | undefined {
  if (jwt === undefined) return undefined;
  if (typeof jwt !== 'string') return { claims: jwt };
  const [, payload, , ...more] = jwt.split('.');
  const claims = payload === undefined || more.length > 0 ? undefined : decoded(payload);
  return claims === undefined
    ? { problem: 'jwt: is not a token of three parts with a JSON object in the second' }
    : { claims };
}

function decoded(payload: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const bytes = Uint8Array.fromBase64(payload, { alphabet: 'base64url' });
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
