import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { parseGoDuration } from '../go-duration.ts';
import type { Report } from '../kind-definition.ts';
import { checkAttachment, warnOfAttachment } from './attachment.ts';
import type { JwtRule, RequestAuthentication } from './request-authentication.ts';

const HEADER = /^[-_A-Za-z0-9]+$/;
/** In keys of RSA, EC and OKP, and in symmetric ones. */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'];

/** Reports what Istio refuses of a RequestAuthentication beyond its schema. */
export function checkRequestAuthentication({ spec }: RequestAuthentication, report: Report): void {
  checkAttachment(spec, report);
  for (const [index, rule] of (spec.jwtRules ?? []).entries()) {
    checkRule(rule, fieldOf(['jwtRules', index], 'spec'), report);
  }
}

/** Reports what of a RequestAuthentication is allowed and hardly meant. */
export function warnOfRequestAuthentication({ spec }: RequestAuthentication, report: Report): void {
  warnOfAttachment(spec, report);
  for (const [index, { jwks = '' }] of (spec.jwtRules ?? []).entries()) {
    for (const [number, key] of (keysOf(jwks) ?? []).entries()) {
      if (PRIVATE.some((part) => Object.hasOwn(key, part))) {
        report(
          `${fieldOf(['jwtRules', index], 'spec')}.jwks`,
          `jwks key at index ${number} contains private key material; who reads it can issue tokens`,
        );
      }
    }
  }
}

function checkRule(rule: JwtRule, field: string, report: Report): void {
  const { issuer = '', jwksUri = '', jwks_uri: old = '', jwks = '', timeout } = rule;
  if (issuer === '' && jwksUri === '' && old === '') {
    report(`${field}.issuer`, 'issuer or jwksUri must be set');
  }
  checkUrl(jwksUri, `${field}.jwksUri`, report);
  checkUrl(old, `${field}.jwks_uri`, report);
  if (jwks !== '' && keysOf(jwks) === undefined) {
    report(`${field}.jwks`, 'is not a JSON Web Key Set: {"keys": […]}');
  }
  const ms = timeout === undefined ? 0 : (parseGoDuration(timeout) ?? 0);
  if (!Number.isInteger(ms)) report(`${field}.timeout`, 'must be in whole milliseconds');
  for (const [index, { header }] of (rule.outputClaimToHeaders ?? []).entries()) {
    if (!HEADER.test(header)) {
      report(
        `${fieldOf(['outputClaimToHeaders', index], field)}.header`,
        `${quote(header)} is not the name of a header; use letters, digits, "-" and "_"`,
      );
    }
  }
}

function checkUrl(url: string, field: string, report: Report): void {
  const problem = url === '' ? undefined : urlProblem(url);
  if (problem !== undefined) report(field, problem);
}

function urlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null) return `${quote(text)} is not a URL`;
  return ['http:', 'https:'].includes(url.protocol)
    ? undefined
    : `${quote(text)} must begin with http:// or https://`;
}

function keysOf(jwks: string): readonly Readonly<Record<string, unknown>>[] | undefined {
  try {
    const { keys } = JSON.parse(jwks) as { readonly keys?: unknown };
    const good = Array.isArray(keys) && keys.every((key) => typeof key?.kty === 'string');
    return good ? (keys as Readonly<Record<string, unknown>>[]) : undefined;
  } catch {
    return undefined;
  }
}
