import { compactVerify, errors } from 'jose';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { audiencesOf } from '../../policy/tokens/token-payload.ts';
import type { TokenRule } from '../../policy/tokens/token-rules.ts';
import { type JsonWebToken, parseToken, tokenProblem } from './json-web-token.ts';
import type { TokenKey } from './key-set.ts';

/** What became of a token by one rule. */
export type TokenResult =
  | { readonly good: true; readonly token: JsonWebToken }
  | {
      readonly good: false;
      readonly reason: string;
      readonly status: 401 | 403;
      /** The rule is not about the issuer of the token. */
      readonly foreign: boolean;
    };

interface Known {
  readonly result: TokenResult;
  /** The result holds from and until then. */
  readonly fromMs: number;
  readonly untilMs: number;
}

const SKEW_MS = 60_000;
const MOST_KNOWN = 4_096;
/** So that tokens that are made up push out each other and not those that are good. */
const MOST_REFUSED = 1_024;
/** Keys that fit a token are tried one by one; a token that names none must not cost more than this. */
const MOST_TRIED = 8;

/**
 * Checks tokens by the rule of their issuer: issuer, times, audience, signature, in this order
 * (istio-semantics 4.4). A token is checked once and then known until it expires; good and bad are
 * remembered apart, each within a bound.
 */
export class TokenVerifier {
  readonly #rule: TokenRule;
  readonly #keys: readonly TokenKey[];
  readonly #clock: Clock;
  readonly #good = new Map<string, Known>();
  readonly #refused = new Map<string, Known>();
  readonly #underWay = new Map<string, Promise<TokenResult>>();

  constructor(rule: TokenRule, keys: readonly TokenKey[], clock: Clock) {
    this.#rule = rule;
    this.#keys = keys;
    this.#clock = clock;
  }

  get rule(): TokenRule {
    return this.#rule;
  }

  /** At once for a token that is known. Never rejects. */
  verify(text: string): TokenResult | Promise<TokenResult> {
    const known = this.#good.get(text) ?? this.#refused.get(text);
    const nowMs = this.#clock.now();
    if (known !== undefined && nowMs >= known.fromMs && nowMs < known.untilMs) return known.result;
    this.#good.delete(text);
    this.#refused.delete(text);
    let token: JsonWebToken;
    try {
      token = parseToken(text);
      this.#checkClaims(token, nowMs);
    } catch (error) {
      return refusal(error);
    }
    return this.#underWay.getOrInsertComputed(text, () => this.#checkSignature(token, nowMs));
  }

  #checkClaims({ claims }: JsonWebToken, nowMs: number): void {
    const { issuer, audiences } = this.#rule;
    if (issuer !== '' && claims['iss'] !== issuer) throw new ForeignToken();
    const notBeforeMs = timeIn(claims, 'nbf');
    if (notBeforeMs !== undefined && notBeforeMs > nowMs + SKEW_MS) {
      throw tokenProblem('Jwt not yet valid');
    }
    const expiresAtMs = timeIn(claims, 'exp');
    if (expiresAtMs !== undefined && nowMs >= expiresAtMs + SKEW_MS) {
      throw tokenProblem('Jwt is expired');
    }
    const named = audiencesOf(claims);
    if (audiences.length > 0 && !named.some((each) => audiences.includes(each))) {
      throw new WrongAudience();
    }
  }

  async #checkSignature(token: JsonWebToken, nowMs: number): Promise<TokenResult> {
    const result = await this.#signed(token);
    this.#underWay.delete(token.text);
    const expiresAtMs = timeIn(token.claims, 'exp') ?? Number.POSITIVE_INFINITY;
    const notBeforeMs = timeIn(token.claims, 'nbf') ?? nowMs;
    const known = { result, fromMs: notBeforeMs - SKEW_MS, untilMs: expiresAtMs + SKEW_MS };
    if (result.good) remember(this.#good, token.text, known, MOST_KNOWN);
    else remember(this.#refused, token.text, known, MOST_REFUSED);
    return result;
  }

  async #signed(token: JsonWebToken): Promise<TokenResult> {
    const { algorithm, keyId, text } = token;
    const fitting = this.#keys.filter(
      (each) =>
        each.algorithms.includes(algorithm) &&
        (keyId === undefined || each.keyId === undefined || each.keyId === keyId),
    );
    if (fitting.length === 0) {
      return refusal(tokenProblem("Jwks doesn't have key to match kid or alg from Jwt"));
    }
    for (const { key } of fitting.slice(0, MOST_TRIED)) {
      try {
        await compactVerify(text, key, { algorithms: [algorithm] });
        return { good: true, token };
      } catch (error) {
        if (!(error instanceof errors.JOSEError)) return refusal(error);
      }
    }
    return refusal(tokenProblem('Jwt verification fails'));
  }
}

class ForeignToken {}
class WrongAudience {}

function refusal(error: unknown): TokenResult {
  if (error instanceof ForeignToken) {
    return { good: false, reason: 'Jwt issuer is not configured', status: 401, foreign: true };
  }
  if (error instanceof WrongAudience) {
    const reason = 'Audiences in Jwt are not allowed';
    return { good: false, reason, status: 403, foreign: false };
  }
  const reason = MeshError.is(error) ? messageOf(error) : 'Jwt verification fails';
  return { good: false, reason, status: 401, foreign: false };
}

function remember(known: Map<string, Known>, text: string, what: Known, most: number): void {
  known.set(text, what);
  if (known.size <= most) return;
  for (const oldest of known.keys()) {
    known.delete(oldest);
    return;
  }
}

/** A time of a token in milliseconds; one that is no number makes the token bad. */
function timeIn(claims: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw tokenProblem(`Jwt payload [${name}] field is not a number`);
  }
  return value * 1_000;
}
