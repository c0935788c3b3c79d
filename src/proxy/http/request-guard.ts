import { randomUUID } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { RequestCall, TokenFacts } from '../../policy/authorization/call.ts';
import type { Decision } from '../../policy/authorization/decision.ts';
import { normalizeTarget } from '../../policy/authorization/normalize-path.ts';
import type { Admission } from '../enforcement.ts';
import { DENIED_BY_HEADER } from '../hbone/hbone-transport.ts';
import { printable } from '../hbone/printable.ts';
import type { LiveSettings } from '../live-settings.ts';
import type { Ends } from '../proxy-events.ts';
import type { Reporter } from '../reporter.ts';
import { type TokenOutcome, withoutTokens } from '../tokens/request-tokens.ts';
import { bodyForCheck } from './body-for-check.ts';
import type { ExternalAnswer, ExternalAuthorizer } from './external-authorizer.ts';
import type { Field, Fields } from './fields.ts';
import { FORWARDED_CERT, setForwardedCert } from './forwarded-cert.ts';
import type { RequestPolicies } from './http-enforcement.ts';
import { BAD_REQUEST } from './http-fault.ts';
import type { HttpGuard, JudgedRequest, Judgement, MalformedMessage } from './http-guard.ts';
import type { HttpRequest } from './http-request.ts';
import { refusalOf } from './own-answer.ts';
import type { RequestBody } from './request-body.ts';
import { type RequestVerdict, requestReport } from './request-report.ts';

export interface RequestGuardOptions {
  readonly admission: Admission;
  readonly ends: Ends;
  /** What holds at this moment. */
  readonly policies: () => RequestPolicies;
  readonly settings: LiveSettings;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly authorizer: ExternalAuthorizer;
}

/** A request as it is judged: in the form in which it would go on. */
interface Subject {
  readonly request: HttpRequest;
  readonly path: string;
  readonly query: string | undefined;
  readonly fields: Fields;
  readonly id: string;
  readonly startedAtMs: number;
}

type AskDecision = Extract<Decision, { verdict: 'ask' }>;

/** An answer instead of the workload's. */
interface Refusal {
  readonly verdict: 'denied' | 'unauthenticated';
  readonly decision: string;
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly Field[];
}

/** What was no request is told of as such. */
const NOT_REPORTED: JudgedRequest = { recheck: () => undefined, ended: () => undefined };
const REQUEST_ID = 'x-request-id';
/** What is kept of a caller's own: anything else could break logs, or be a secret. */
const GOOD_ID = /^[\x21-\x7e]{1,128}$/;
const FORBIDDEN = 403;
const DENIED = 'RBAC: access denied';

/** Judges the requests of one connection: path, providers of CUSTOM policies, tokens, policies. */
export class RequestGuard implements HttpGuard {
  readonly #options: RequestGuardOptions;

  constructor(options: RequestGuardOptions) {
    this.#options = options;
  }

  judge(request: HttpRequest, body: RequestBody): Judgement | Promise<Judgement> {
    const subject = this.#subjectOf(request);
    if ('problem' in subject) return this.#malformedTarget(request, subject.problem);
    const { admission, reporter, policies } = this.#options;
    // Before anybody looks at them: nobody but us may set these.
    const { authorization, tokens } = policies();
    subject.fields.deleteWhere(
      (name) => dashed(name) === DENIED_BY_HEADER || tokens.reserved.has(dashed(name)),
    );
    setForwardedCert(subject.fields, admission.peer, reporter.ownId);
    const custom = authorization.custom(this.#callOf(subject, undefined));
    if (custom === undefined) return this.#judgeTokens(subject, []);
    return custom.verdict === 'ask'
      ? this.#ask(subject, custom, body)
      : this.#deny(subject, this.#callOf(subject, undefined), custom);
  }

  isReserved(name: string): boolean {
    const known = dashed(name);
    return (
      known === FORWARDED_CERT ||
      known === DENIED_BY_HEADER ||
      this.#options.policies().tokens.reserved.has(known)
    );
  }

  malformed(what: MalformedMessage): void {
    this.#options.reporter.malformed(this.#options.ends, what);
  }

  #subjectOf(request: HttpRequest): Subject | { readonly problem: string } {
    const { fields } = request;
    const given = fields.get(REQUEST_ID);
    const id = given !== undefined && GOOD_ID.test(given) ? given : randomUUID();
    if (id !== given) fields.set(REQUEST_ID, id);
    const known = { request, fields, id, startedAtMs: this.#options.clock.now() };
    if (!request.target.startsWith('/')) {
      // `*` has no path to be put in order, and CONNECT has none at all.
      const path = request.method === 'CONNECT' ? '' : request.target;
      return { ...known, path, query: undefined };
    }
    const { pathNormalization } = this.#options.settings.current;
    const normalized = normalizeTarget(request.target, pathNormalization);
    return 'problem' in normalized ? normalized : { ...known, ...normalized };
  }

  #malformedTarget(request: HttpRequest, reason: string): Judgement {
    this.malformed({ side: 'request', reason, status: BAD_REQUEST });
    const answer = refusalOf(request, { status: BAD_REQUEST, reason });
    return { verdict: 'answer', answer, under: NOT_REPORTED };
  }

  async #ask(subject: Subject, decision: AskDecision, body: RequestBody): Promise<Judgement> {
    const { admission, reporter, authorizer, clock } = this.#options;
    const { request, fields, id } = subject;
    const shown = await bodyForCheck(body, decision.provider, clock);
    if ('status' in shown) return this.#notShown(subject, decision, shown);
    const answer = await authorizer({
      ...{ provider: decision.provider, connection: admission.facts, peer: admission.peer },
      ...{ ownId: reporter.ownId, requestId: id, body: shown.body },
      request: { ...request, target: targetOf(subject) },
    });
    if (!answer.allowed) return this.#refusedByProvider(subject, decision, answer);
    for (const name of answer.removed) fields.delete(name);
    for (const [name, value] of answer.set) fields.set(name.toLowerCase(), value);
    for (const [name, value] of answer.appended) fields.append(name, value);
    return await this.#judgeTokens(subject, answer.answerFields);
  }

  /** The provider must see a body that it cannot. */
  #notShown(
    subject: Subject,
    { by, provider }: AskDecision,
    { status, reason }: { readonly status: number; readonly reason: string },
  ): Judgement {
    const policy = `AuthorizationPolicy ${by.namespace}/${by.name} rule[${by.rule}]`;
    const decision = `${policy}: provider "${provider.name}" is not asked: ${reason}`;
    return this.#refuse(subject, { verdict: 'denied', decision, status, reason, fields: [] });
  }

  #refusedByProvider(
    subject: Subject,
    { by, provider }: AskDecision,
    { status, fields, body, failure }: Extract<ExternalAnswer, { allowed: false }>,
  ): Judgement {
    const policy = `AuthorizationPolicy ${by.namespace}/${by.name} rule[${by.rule}]`;
    const said = failure ?? `refuses with ${status}`;
    const reason = body === '' ? DENIED : body;
    return this.#refuse(subject, {
      ...{ verdict: 'denied', decision: `${policy}: provider "${provider.name}" ${said}` },
      ...{ status, reason, fields },
    });
  }

  #judgeTokens(subject: Subject, answerFields: readonly Field[]): Judgement | Promise<Judgement> {
    const { tokens } = this.#options.policies();
    if (!tokens.needed || isPreflight(subject)) {
      return this.#judgePolicies(subject, undefined, answerFields);
    }
    const outcome = tokens.check({
      headers: (name) => subject.fields.values(name),
      query: subject.query,
    });
    return outcome instanceof Promise
      ? outcome.then((late) => this.#afterTokens(subject, late, answerFields))
      : this.#afterTokens(subject, outcome, answerFields);
  }

  #afterTokens(subject: Subject, outcome: TokenOutcome, answerFields: readonly Field[]): Judgement {
    if (!outcome.passed) return this.#badToken(subject, outcome);
    const { facts, spent, headers } = outcome;
    const { fields } = subject;
    for (const { place } of spent) if (place.kind === 'header') fields.delete(place.name);
    for (const [name, value] of headers) fields.append(name, value);
    const query = withoutTokens(subject.query, spent);
    return this.#judgePolicies({ ...subject, query }, facts, answerFields);
  }

  #badToken(
    subject: Subject,
    { status, reason }: Extract<TokenOutcome, { passed: false }>,
  ): Judgement {
    const { request, path } = subject;
    const url = `${request.scheme ?? 'http'}://${request.authority ?? ''}${path}`;
    const realm = printable(url).replaceAll(/["\\]/g, '');
    const decision = `RequestAuthentication: ${reason}`;
    return this.#refuse(subject, {
      ...{ verdict: 'unauthenticated', decision, status, reason },
      fields: [['www-authenticate', `Bearer realm="${realm}", error="invalid_token"`]],
    });
  }

  #judgePolicies(
    subject: Subject,
    token: TokenFacts | undefined,
    answerFields: readonly Field[],
  ): Judgement {
    const { authorization } = this.#options.policies();
    const call = this.#callOf(subject, token);
    const decision = authorization.authorizeRequest(call, 'answered');
    if (decision.verdict !== 'allow') return this.#deny(subject, call, decision);
    const text = (): string => authorization.explain(call, decision).text;
    return {
      verdict: 'forward',
      request: { target: targetOf(subject), fields: subject.fields },
      answerFields,
      under: {
        ...this.#report(subject, { verdict: 'allowed', decision: text }),
        recheck: () => this.#recheck(call),
      },
    };
  }

  #deny(subject: Subject, call: RequestCall, by: Decision): Judgement {
    const decision = this.#options.policies().authorization.explain(call, by).text;
    return this.#refuse(subject, {
      ...{ verdict: 'denied', decision, status: FORBIDDEN, reason: DENIED, fields: [] },
    });
  }

  #refuse(subject: Subject, { status, reason, fields, ...verdict }: Refusal): Judgement {
    // Only who is of the mesh is told what its policies are called.
    const told: readonly Field[] =
      this.#options.admission.peer === undefined
        ? []
        : [[DENIED_BY_HEADER, printable(verdict.decision)]];
    return {
      verdict: 'answer',
      answer: refusalOf(subject.request, { status, reason, fields: [...fields, ...told] }),
      under: this.#report(subject, verdict),
    };
  }

  /** For requests that take long: why what was decided would not be decided again. */
  #recheck(call: RequestCall): string | undefined {
    const { authorization, tokens } = this.#options.policies();
    const issuer = call.token?.issuer;
    if (call.token !== undefined && !tokens.takes(issuer)) {
      return `tokens of "${issuer ?? ''}" are taken no more`;
    }
    const decision = authorization.authorizeRequest(call, 'answered');
    return decision.verdict === 'allow' ? undefined : authorization.explain(call, decision).text;
  }

  #callOf({ request, path, query, fields }: Subject, token: TokenFacts | undefined): RequestCall {
    return {
      connection: this.#options.admission.facts,
      http: {
        ...{ method: request.method, path, query, scheme: request.scheme },
        host: request.authority ?? '',
        header: (name) => fields.get(name),
      },
      token,
    };
  }

  #report(subject: Subject, verdict: RequestVerdict): JudgedRequest {
    const { ends, reporter } = this.#options;
    return requestReport({ ...subject, ends, reporter, verdict });
  }
}

function targetOf({ request, path, query }: Subject): string {
  if (!request.target.startsWith('/')) return request.target;
  return query === undefined ? path : `${path}?${query}`;
}

/** Envoy lets these go on without a token: browsers send none with them. */
function isPreflight({ request, fields }: Subject): boolean {
  return (
    request.method === 'OPTIONS' &&
    (fields.get('origin') ?? '') !== '' &&
    (fields.get('access-control-request-method') ?? '') !== ''
  );
}

/** Some programs read both spellings as one. */
function dashed(name: string): string {
  return name.replaceAll('_', '-');
}
