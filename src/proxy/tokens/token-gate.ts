import type { Clock } from '../../lib/clock.ts';
import type { TokenSource } from '../../policy/tokens/find-tokens.ts';
import type { KeySource, TokenRule } from '../../policy/tokens/token-rules.ts';
import type { JsonWebKeySet } from '../../resources/kinds/json-web-key-set.ts';
import { parseKeySet, type TokenKey } from './key-set.ts';
import { checkTokens, type TokenOutcome } from './request-tokens.ts';
import { TokenVerifier } from './token-verifier.ts';

/** All token rules of one workload with their keys; another one is made when either changes. */
export class TokenGate {
  /** Names of headers that only this proxy may set, in lower case. */
  readonly reserved: ReadonlySet<string>;
  readonly #verifiers: readonly TokenVerifier[];

  constructor(rules: readonly TokenRule[], keySets: readonly JsonWebKeySet[], clock: Clock) {
    this.#verifiers = rules.map(
      (rule) => new TokenVerifier(rule, keysOf(rule.keys, keySets), clock),
    );
    this.reserved = new Set(
      rules.flatMap(({ payloadHeader, claimHeaders }) => [
        ...(payloadHeader === undefined ? [] : [payloadHeader]),
        ...claimHeaders.map(({ header }) => header),
      ]),
    );
  }

  /** Whether there is any rule. */
  get needed(): boolean {
    return this.#verifiers.length > 0;
  }

  check(source: TokenSource): TokenOutcome | Promise<TokenOutcome> {
    return checkTokens(this.#verifiers, source);
  }

  /** Whether tokens of that issuer are still taken. */
  takes(issuer: string | undefined): boolean {
    return this.#verifiers.some(({ rule }) => rule.issuer === '' || rule.issuer === issuer);
  }
}

/** Without keys every token of the issuer is refused: it fails closed. */
function keysOf(source: KeySource, keySets: readonly JsonWebKeySet[]): readonly TokenKey[] {
  const jwks =
    source.kind === 'inline'
      ? source.jwks
      : keySets.find(({ spec }) => spec.source === source.url)?.spec.jwks;
  if (jwks === undefined) return [];
  try {
    return parseKeySet(jwks);
  } catch {
    return [];
  }
}
