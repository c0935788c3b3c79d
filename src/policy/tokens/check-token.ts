import type { RequestAuthentication } from '../../resources/kinds/request-authentication.ts';
import type { TokenFacts } from '../authorization/call.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { quote } from '../quote.ts';
import type { Workload } from '../workload.ts';
import { tokenFacts } from './token-payload.ts';
import { type TokenRule, tokenRules } from './token-rules.ts';

type Claims = Readonly<Record<string, unknown>>;

/** What RequestAuthentications make of the token in a question. */
export type CheckedToken =
  | { readonly facts: TokenFacts | undefined; readonly notes: readonly string[] }
  | {
      /** 403 where the token is good and for somebody else. */
      readonly refused: 401 | 403;
      /** The RequestAuthentication, `namespace/name`; undefined: no rule is for the issuer. */
      readonly policy: string | undefined;
      readonly rule: number | undefined;
      readonly because: string;
    };

const SKEW_S = 60;
/** For claims that no rule is known to be about. */
const SPACE_DELIMITED = { spaceDelimited: new Set(['scope', 'permission']) };

/**
 * Judges the claims of a token as the proxy would, but for its signature, which a question does not
 * have: issuer, times, audience. `partial`: no RequestAuthentication is known at all, so the question's
 * word is taken.
 */
export function checkToken(
  claims: Claims,
  workload: Pick<Workload, 'namespace' | 'labels'>,
  mesh: {
    readonly requestAuthentications: readonly RequestAuthentication[];
    readonly settings: Pick<MeshSettings, 'rootNamespace'>;
    readonly nowMs: number;
  },
): CheckedToken {
  const { requestAuthentications, settings, nowMs } = mesh;
  if (requestAuthentications.length === 0) {
    const note =
      'no RequestAuthentication is known, so the claims are taken as those of a good token';
    return { facts: tokenFacts(claims, SPACE_DELIMITED), notes: [note] };
  }
  const rules = tokenRules(requestAuthentications, workload, settings);
  if (rules.length === 0) {
    const note =
      'no RequestAuthentication selects the workload, so its proxy does not look at the token';
    return { facts: undefined, notes: [note] };
  }
  const { iss } = claims;
  const own = rules.filter(({ issuer }) => issuer === '' || issuer === iss);
  if (own.length === 0) {
    const because = `the issuer ${quote(String(iss))} is in no rule: Jwt issuer is not configured`;
    return { refused: 401, policy: undefined, rule: undefined, because };
  }
  const verdicts = own.map((rule) => judge(rule, claims, nowMs));
  const good = verdicts.find((verdict) => 'facts' in verdict);
  return good ?? verdicts[0] ?? { facts: undefined, notes: [] };
}

function judge(rule: TokenRule, claims: Claims, nowMs: number): CheckedToken {
  const policy = `${rule.namespace}/${rule.name}`;
  const refused = (status: 401 | 403, because: string): CheckedToken => ({
    refused: status,
    policy,
    rule: rule.rule,
    because,
  });
  const nowS = nowMs / 1_000;
  const { exp, nbf } = claims;
  if (typeof exp === 'number' && exp + SKEW_S < nowS) return refused(401, 'Jwt is expired');
  if (typeof nbf === 'number' && nbf - SKEW_S > nowS) return refused(401, 'Jwt not yet valid');
  const facts = tokenFacts(claims, rule);
  const { audiences } = rule;
  if (audiences.length > 0 && !audiences.some((each) => facts.audiences.includes(each))) {
    return refused(403, 'Audiences in Jwt are not allowed');
  }
  const note = `the token is taken as signed by its issuer, ${policy} rule[${rule.rule}]`;
  return { facts, notes: [note] };
}
