import type { TokenFacts } from '../../policy/authorization/call.ts';
import {
  type FoundToken,
  findTokens,
  type TokenSource,
  withoutParameter,
} from '../../policy/tokens/find-tokens.ts';
import { tokenFacts, tokenHeaders } from '../../policy/tokens/token-payload.ts';
import type { TokenRule } from '../../policy/tokens/token-rules.ts';
import type { TokenResult, TokenVerifier } from './token-verifier.ts';

/** What the tokens of a request come to. */
export type TokenOutcome =
  | {
      readonly passed: true;
      /** Undefined: no token. */
      readonly facts: TokenFacts | undefined;
      /** Headers that are to be made of it. */
      readonly headers: readonly (readonly [name: string, value: string])[];
      /** Tokens that the workload is not to see. */
      readonly spent: readonly FoundToken[];
    }
  | { readonly passed: false; readonly status: 401 | 403; readonly reason: string };

interface Checked {
  readonly rule: TokenRule;
  readonly tokens: readonly FoundToken[];
  readonly results: readonly TokenResult[];
}

const NO_TOKEN: TokenOutcome = Object.freeze({
  passed: true,
  facts: undefined,
  headers: [],
  spent: [],
});

/**
 * Decides on the tokens of a request by all rules together (istio-semantics 4.4): it passes when one
 * rule finds its token good, or when every rule finds good or nothing. At once where it can.
 */
export function checkTokens(
  verifiers: readonly TokenVerifier[],
  source: TokenSource,
): TokenOutcome | Promise<TokenOutcome> {
  const found = verifiers.map((verifier) => {
    const tokens = findTokens(verifier.rule, source);
    return { verifier, tokens, results: tokens.map(({ text }) => verifier.verify(text)) };
  });
  if (found.every(({ tokens }) => tokens.length === 0)) return NO_TOKEN;
  const late = found.some(({ results }) => results.some((result) => result instanceof Promise));
  if (!late) {
    return decide(
      found.map(({ verifier, tokens, results }) => ({
        ...{ rule: verifier.rule, tokens },
        results: results as readonly TokenResult[],
      })),
    );
  }
  return Promise.all(
    found.map(async ({ verifier, tokens, results }) => ({
      ...{ rule: verifier.rule, tokens },
      results: await Promise.all(results),
    })),
  ).then(decide);
}

/** The query without the tokens that stood in it. */
export function withoutTokens(
  query: string | undefined,
  spent: readonly FoundToken[],
): string | undefined {
  let rest = query;
  for (const { place } of spent) {
    if (place.kind === 'param' && rest !== undefined) rest = withoutParameter(rest, place.name);
  }
  return rest;
}

function decide(checked: readonly Checked[]): TokenOutcome {
  const good = checked.filter(
    ({ results }) => results.length > 0 && results.every((result) => result.good),
  );
  const missing = checked.filter(({ results }) => results.length === 0);
  // One rule alone, or several of which one is satisfied, or all that are given.
  if (good.length > 0 || good.length + missing.length === checked.length) return passed(good);
  const refusals = checked.flatMap(({ results }) => results).filter((result) => !result.good);
  // What the rule of its own issuer says of a token tells more than that others are not about it.
  const [telling] = [...refusals.filter(({ foreign }) => !foreign), ...refusals];
  return {
    passed: false,
    status: telling?.status ?? 401,
    reason: telling?.reason ?? 'Jwt verification fails',
  };
}

function passed(good: readonly Checked[]): TokenOutcome {
  const [first] = good;
  const [result] = first?.results ?? [];
  const facts =
    first === undefined || result?.good !== true
      ? undefined
      : tokenFacts(result.token.claims, first.rule);
  return {
    passed: true,
    facts,
    headers: good.flatMap(({ rule, results }) =>
      results.flatMap((each) => (each.good ? tokenHeaders(rule, each.token) : [])),
    ),
    spent: good.flatMap(({ rule, tokens }) => (rule.forward ? [] : tokens)),
  };
}
