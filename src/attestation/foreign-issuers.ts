import type { Clock } from '../lib/clock.ts';
import { isJwsSignedBy, parseCompactJws } from '../lib/compact-jws.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import type { HttpsQuestion } from '../lib/https-get.ts';
import { checkRegisteredClaims } from '../lib/registered-claims.ts';
import { parseUniqueJson } from '../lib/unique-json.ts';
import { type ClaimMapping, mapClaims } from './claim-mapping.ts';
import { type ForeignKey, parseJsonWebKeys } from './json-web-keys.ts';
import { JwksSource } from './jwks-source.ts';
import type { TokenBearer } from './service-account-tokens.ts';

/** Somebody else whose tokens the operator believes. */
export interface TrustedIssuer {
  /** The `iss` of its tokens, letter by letter. */
  readonly issuer: string;
  /** Default: what its OpenID Connect discovery names. */
  readonly jwksUri: string | undefined;
  /** Roots for its server, PEM. Default: those of the machine. */
  readonly roots: string | undefined;
  /** Of which its tokens must name one. */
  readonly audiences: readonly string[];
  readonly identities: readonly ClaimMapping[];
}

export interface ForeignIssuersOptions {
  /** The issuers that are believed now. */
  readonly trusted: () => Promise<readonly TrustedIssuer[]>;
  readonly get: (question: HttpsQuestion) => Promise<string>;
  /** A namespace that no token can choose. */
  readonly rootNamespace: string;
  readonly clock: Clock;
}

/** The bearer of a token of a trusted issuer. */
export type ForeignBearer = Pick<TokenBearer, 'namespace' | 'serviceAccount'>;

/** Judges tokens of other issuers by keys that are fetched and kept. */
export class ForeignIssuers {
  readonly #options: ForeignIssuersOptions;
  readonly #sources = new Map<string, JwksSource>();

  constructor(options: ForeignIssuersOptions) {
    this.#options = options;
  }

  /** @throws {MeshError} ERR_JWT with the rule, or why the issuer's keys are not to be had. */
  async authenticate(token: string): Promise<ForeignBearer> {
    const jws = parseCompactJws(token);
    const { iss } = jws.claims;
    const all = await this.#options.trusted();
    const named = all.filter(({ issuer }) => issuer === iss);
    if (named.length === 0) {
      refuse(
        `has the issuer ${JSON.stringify(iss ?? null).slice(0, 200)}, which nobody trusts here`,
      );
    }
    this.#forgetBut(all);
    const { clock, rootNamespace } = this.#options;
    const problems: string[] = [];
    for (const trusted of named) {
      try {
        const { audiences } = trusted;
        checkRegisteredClaims(jws.claims, { audiences, nowMs: clock.now() });
        const account = mapClaims(trusted.identities, jws.claims);
        if (account === undefined)
          refuse('stands for no service account by the rules for its issuer');
        if (account.chosen && account.namespace === rootNamespace) {
          refuse(`may not choose the namespace "${rootNamespace}"`);
        }
        await this.#checkSignature(jws, trusted);
        return account;
      } catch (error) {
        if (!MeshError.is(error)) throw error;
        problems.push(error.message);
      }
    }
    throw new MeshError('ERR_JWT', problems.join('; '));
  }

  async #checkSignature(
    jws: ReturnType<typeof parseCompactJws>,
    trusted: TrustedIssuer,
  ): Promise<void> {
    if (jws.keyId === undefined) refuse('has no "kid", which says by which key it was signed');
    const keys = await this.#keysOf(trusted, jws.keyId);
    for (const { publicKey } of keys) if (await isJwsSignedBy(jws, publicKey)) return;
    refuse(`is not signed by a key of "${trusted.issuer}"`);
  }

  async #keysOf(trusted: TrustedIssuer, keyId: string): Promise<readonly ForeignKey[]> {
    const { get, clock } = this.#options;
    const source = this.#sources.getOrInsertComputed(
      nameOf(trusted),
      () => new JwksSource({ fetch: () => fetchKeys(trusted, get), clock }),
    );
    try {
      return await source.keys(keyId);
    } catch (cause) {
      const text = `the keys of "${trusted.issuer}" are not to be had: ${messageOf(cause)}`;
      throw new MeshError('ERR_JWT', text, { cause });
    }
  }

  #forgetBut(trusted: readonly TrustedIssuer[]): void {
    const names = new Set(trusted.map(nameOf));
    for (const name of this.#sources.keys()) if (!names.has(name)) this.#sources.delete(name);
  }
}

function nameOf({ issuer, jwksUri, roots }: TrustedIssuer): string {
  return JSON.stringify([issuer, jwksUri, roots]);
}

async function fetchKeys(
  { issuer, jwksUri, roots }: TrustedIssuer,
  get: ForeignIssuersOptions['get'],
): Promise<readonly ForeignKey[]> {
  const fetched = (text: string): Promise<string> => {
    const url = URL.parse(text);
    if (url?.protocol === 'https:') return get({ url, roots });
    throw new MeshError('ERR_JWT', `${JSON.stringify(text.slice(0, 200))} is not an https URL`);
  };
  const uri =
    jwksUri ??
    jwksUriIn(
      await fetched(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`),
      issuer,
    );
  return parseJsonWebKeys(await fetched(uri));
}

/** OpenID Connect Discovery 4.3: the issuer in the document must be the one that was asked. */
function jwksUriIn(text: string, issuer: string): string {
  const subject = { what: 'the discovery document', code: 'ERR_JWT' } as const;
  const fields = parseUniqueJson(text, subject) as Readonly<Record<string, unknown>> | null;
  const { issuer: named, jwks_uri: uri } = fields ?? {};
  if (named === issuer && typeof uri === 'string') return uri;
  throw new MeshError(
    'ERR_JWT',
    `the discovery document is not one of "${issuer}" with a jwks_uri`,
  );
}

function refuse(problem: string): never {
  throw new MeshError('ERR_JWT', `the token ${problem}`);
}
