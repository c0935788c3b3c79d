import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import type { Report } from '../kind-definition.ts';
import { checkLabels } from '../metadata.ts';
import { checkDestination, checkWeights } from './route-weights.ts';
import type { HttpRoute, StringMatch } from './virtual-service-schema.ts';

interface Place {
  readonly field: string;
  /** Whether the VirtualService has no hosts, being delegated to. */
  readonly delegated: boolean;
  readonly gateways: readonly string[];
}

type HttpMatch = NonNullable<HttpRoute['match']>[number];

const HEADER = /^[-_A-Za-z0-9]+$/;
/** Headers that stand for parts of the request line. */
const PSEUDO = [':authority', ':method', ':path', ':scheme', ':status'];
const CLAIM = '@request.auth.claims';

/** Istio's rules for one rule of HTTP. */
export function checkHttpRoute(route: HttpRoute, place: Place, report: Report): void {
  const { field } = place;
  checkAction(route, place, report);
  for (const [index, match] of (route.match ?? []).entries()) {
    checkMatch(match, { ...place, field: fieldOf(['match', index], field) }, report);
  }
  checkWeights(route.route ?? [], field, report);
  for (const [index, destination] of (route.route ?? []).entries()) {
    checkHeaders(destination.headers, `${fieldOf(['route', index], field)}.headers`, report);
  }
  checkHeaders(route.headers, `${field}.headers`, report);
  checkMirrors(route, field, report);
  checkRetries(route, field, report);
  checkFault(route.fault, `${field}.fault`, report);
}

function checkAction(route: HttpRoute, { field, delegated }: Place, report: Report): void {
  const { redirect, directResponse, delegate, route: destinations = [] } = route;
  const others = [redirect, directResponse, delegate].filter((action) => action !== undefined);
  if (others.length > 1 || (others.length > 0 && destinations.length > 0)) {
    report(field, 'only one of route, redirect, directResponse and delegate can be set');
  }
  if (others.length === 0 && destinations.length === 0) {
    report(field, 'must have a route, a redirect, a directResponse or a delegate');
  }
  if (delegate !== undefined && delegated) {
    report(`${field}.delegate`, 'a delegate cannot delegate further');
  }
  if (delegate !== undefined && (delegate.name ?? '') === '') {
    report(`${field}.delegate.name`, 'must not be empty');
  }
  if (redirect !== undefined && Object.keys(redirect).length === 0) {
    report(`${field}.redirect`, 'must say what is put in place of what');
  }
  checkRewrite(route, field, report);
}

function checkRewrite({ rewrite, directResponse }: HttpRoute, field: string, report: Report): void {
  if (rewrite !== undefined && Object.keys(rewrite).length === 0) {
    report(`${field}.rewrite`, 'must have a uri, an authority or a uriRegexRewrite');
  }
  if (rewrite?.uri !== undefined && rewrite.uriRegexRewrite !== undefined) {
    report(`${field}.rewrite`, 'only one of uri and uriRegexRewrite can be set');
  }
  const { status = 200 } = directResponse ?? {};
  if (status < 200 || status > 599) {
    report(`${field}.directResponse.status`, `must be between 200 and 599, not ${status}`);
  }
}

function checkMatch(match: HttpMatch, { field, gateways }: Place, report: Report): void {
  const { name: _name, statPrefix: _prefix, ...conditions } = match;
  if (Object.keys(conditions).length === 0) {
    report(field, 'must have a condition; leave match out to mean every call');
  }
  for (const part of ['uri', 'scheme', 'method', 'authority'] as const) {
    checkString(match[part], `${field}.${part}`, report);
  }
  for (const part of ['headers', 'withoutHeaders', 'queryParams'] as const) {
    for (const [key, value] of Object.entries(match[part] ?? {})) {
      const at = fieldOf([part, key], field);
      checkString(value, at, report);
      if (part !== 'queryParams') checkHeaderMatch(key, { at, match, gateways }, report);
    }
  }
  checkLabels(match.sourceLabels, `${field}.sourceLabels`, report);
  const { port = 1 } = match;
  if (port < 1 || port > 65535) report(`${field}.port`, 'must be between 1 and 65535');
}

function checkHeaderMatch(
  key: string,
  place: { readonly at: string; readonly match: HttpMatch; readonly gateways: readonly string[] },
  report: Report,
): void {
  const { at, match } = place;
  if (key.startsWith(CLAIM)) {
    const gateways = match.gateways ?? place.gateways;
    if (gateways.length === 0 || gateways.includes('mesh')) {
      report(at, 'claims of a token can be matched on gateways only; name one in gateways');
    }
  } else if (!HEADER.test(key)) report(at, `${quote(key)} is not the name of a header`);
}

function checkString(match: StringMatch | undefined, field: string, report: Report): void {
  if (match === undefined) return;
  if (match.prefix === '') report(`${field}.prefix`, 'must not be empty');
  if (match.regex === undefined) return;
  const problem = expressionProblem(match.regex);
  if (problem !== undefined) report(`${field}.regex`, problem);
}

/** What RE2 would say, as far as the engine at hand and what RE2 lacks can tell. */
function expressionProblem(expression: string): string | undefined {
  if (expression === '') return 'must not be empty';
  if (expression.length > 1_024) return 'has more than 1024 characters';
  if (/\(\?(?:<?[=!])|\\[1-9]/.test(expression)) {
    return `${quote(expression)} looks ahead, behind or back, which RE2 does not`;
  }
  try {
    new RegExp(expression.replace(/^\(\?[is]+\)/, '').replaceAll('(?P<', '(?<'));
    return undefined;
  } catch {
    return `${quote(expression)} is not a regular expression`;
  }
}

function checkHeaders(headers: HttpRoute['headers'], field: string, report: Report): void {
  for (const side of ['request', 'response'] as const) {
    const { set = {}, add = {}, remove = [] } = headers?.[side] ?? {};
    const at = `${field}.${side}`;
    const names: [string, string][] = [
      ...Object.keys(set).map((name): [string, string] => [name, fieldOf(['set', name], at)]),
      ...Object.keys(add).map((name): [string, string] => [name, fieldOf(['add', name], at)]),
      ...remove.map((name, index): [string, string] => [name, fieldOf(['remove', index], at)]),
    ];
    for (const [name, where] of names) {
      if (!HEADER.test(name) && !PSEUDO.includes(name)) {
        report(where, `${quote(name)} is not the name of a header`);
      }
    }
  }
}

function checkMirrors(route: HttpRoute, field: string, report: Report): void {
  if (route.mirror !== undefined) checkDestination(route.mirror, `${field}.mirror`, report);
  if (route.mirror !== undefined && route.mirrors !== undefined) {
    report(field, 'only one of mirror and mirrors can be set');
  }
  for (const [index, { destination, percentage }] of (route.mirrors ?? []).entries()) {
    const at = fieldOf(['mirrors', index], field);
    checkDestination(destination, `${at}.destination`, report);
    checkShare(percentage?.value, `${at}.percentage.value`, report);
  }
  checkShare(route.mirrorPercent, `${field}.mirrorPercent`, report);
  checkShare(route.mirror_percent, `${field}.mirror_percent`, report);
  checkShare(route.mirrorPercentage?.value, `${field}.mirrorPercentage.value`, report);
}

function checkRetries({ retries }: HttpRoute, field: string, report: Report): void {
  if (retries === undefined) return;
  const { attempts = 0 } = retries;
  if (attempts < 0) report(`${field}.retries.attempts`, 'must not be negative');
  const { attempts: _attempts, ...rest } = retries;
  if (attempts === 0 && Object.keys(rest).length > 0) {
    report(`${field}.retries.attempts`, 'must be more than 0 where the other fields are set');
  }
}

function checkFault(fault: HttpRoute['fault'], field: string, report: Report): void {
  if (fault === undefined) return;
  const { abort, delay } = fault;
  if (abort === undefined && delay === undefined) report(field, 'must have an abort or a delay');
  checkShare(abort?.percentage?.value, `${field}.abort.percentage.value`, report);
  checkShare(delay?.percentage?.value, `${field}.delay.percentage.value`, report);
  checkShare(delay?.percent, `${field}.delay.percent`, report);
  const { httpStatus = 200 } = abort ?? {};
  if (httpStatus < 200 || httpStatus > 600) {
    report(`${field}.abort.httpStatus`, `must be between 200 and 600, not ${httpStatus}`);
  }
}

function checkShare(value: number | undefined, field: string, report: Report): void {
  if (value !== undefined && (value < 0 || value > 100)) {
    report(field, `must be between 0 and 100, not ${value}`);
  }
}
