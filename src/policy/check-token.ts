import type { RequestAuthentication } from '../resources/kinds/request-authentication.ts';
import type { TokenFacts } from './call.ts';
import { selects } from './label-selector.ts';
import type { MeshSettings } from './mesh-settings.ts';
import { quote } from './quote.ts';
import type { Workload } from './workload.ts';

type Claims = Readonly<Record<string, unknown>>;
type JwtRule = NonNullable<RequestAuthentication['spec']['jwtRules']>[number];

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

interface PlacedRule {
  readonly policy: string;
  readonly number: number;
  readonly rule: JwtRule;
}

const SKEW_S = 60;
/** Lists in one text, besides those that rules name. */
const SPACE_DELIMITED = ['scope', 'permission'];

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
    return { facts: factsOf(claims, []), notes: [note] };
  }
  const rules = rulesFor(requestAuthentications, workload, settings.rootNamespace);
  if (rules.length === 0) {
    const note =
      'no RequestAuthentication selects the workload, so its proxy does not look at the token';
    return { facts: undefined, notes: [note] };
  }
  const { iss } = claims;
  const own = rules.filter(({ rule: { issuer = '' } }) => issuer === '' || issuer === iss);
  if (own.length === 0) {
    const because = `the issuer ${quote(String(iss))} is in no rule: Jwt issuer is not configured`;
    return { refused: 401, policy: undefined, rule: undefined, because };
  }
  const verdicts = own.map((rule) => judge(rule, claims, nowMs));
  const good = verdicts.find((verdict) => 'facts' in verdict);
  return good ?? verdicts[0] ?? { facts: undefined, notes: [] };
}

function rulesFor(
  policies: readonly RequestAuthentication[],
  workload: Pick<Workload, 'namespace' | 'labels'>,
  rootNamespace: string,
): readonly PlacedRule[] {
  return policies.flatMap(({ metadata: { namespace = '', name }, spec }) => {
    if (namespace !== workload.namespace && namespace !== rootNamespace) return [];
    if (spec.targetRef !== undefined || (spec.targetRefs?.length ?? 0) > 0) return [];
    if (!selects(spec.selector?.matchLabels, workload.labels)) return [];
    return (spec.jwtRules ?? []).map((rule, number) => ({
      policy: `${namespace}/${name}`,
      number,
      rule,
    }));
  });
}

function judge({ policy, number, rule }: PlacedRule, claims: Claims, nowMs: number): CheckedToken {
  const refused = (status: 401 | 403, because: string): CheckedToken => ({
    refused: status,
    policy,
    rule: number,
    because,
  });
  const nowS = nowMs / 1_000;
  const { exp, nbf } = claims;
  if (typeof exp === 'number' && exp + SKEW_S < nowS) return refused(401, 'Jwt is expired');
  if (typeof nbf === 'number' && nbf - SKEW_S > nowS) return refused(401, 'Jwt not yet valid');
  const { audiences = [], spaceDelimitedClaims = [] } = rule;
  const facts = factsOf(claims, spaceDelimitedClaims);
  if (audiences.length > 0 && !audiences.some((each) => facts.audiences.includes(each))) {
    return refused(403, 'Audiences in Jwt are not allowed');
  }
  return {
    facts,
    notes: [`the token is taken as signed by its issuer, ${policy} rule[${number}]`],
  };
}

function factsOf(claims: Claims, spaceDelimited: readonly string[]): TokenFacts {
  const { iss, sub, azp, aud } = claims;
  const lists = new Set([...SPACE_DELIMITED, ...spaceDelimited]);
  const split = Object.entries(claims).map(([name, value]): [string, unknown] =>
    typeof value === 'string' && lists.has(name)
      ? [name, value.split(' ').filter((part) => part !== '')]
      : [name, value],
  );
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return {
    issuer: textOf(iss),
    subject: textOf(sub),
    audiences: audiences.filter((each) => typeof each === 'string'),
    presenter: textOf(azp),
    claims: Object.fromEntries(split),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
