import { parseGoDuration } from '../../resources/go-duration.ts';
import type {
  JwtRule,
  RequestAuthentication,
} from '../../resources/kinds/request-authentication.ts';
import { selects } from '../label-selector.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { compareText } from '../oldest-first.ts';
import type { Workload } from '../workload.ts';

/** Where the keys of an issuer are. */
export type KeySource =
  | { readonly kind: 'inline'; readonly jwks: string }
  /** A URL; of the keys themselves, or of the issuer's OpenID configuration that names them. */
  | { readonly kind: 'url'; readonly url: string; readonly discovery: boolean };

/** One issuer's tokens: where they stand in requests, which are good, and what becomes of them. */
export interface TokenRule {
  /** The RequestAuthentication and the number of the rule in it, from 0. */
  readonly namespace: string;
  readonly name: string;
  readonly rule: number;
  /** Empty: any, where the keys are named. */
  readonly issuer: string;
  /** Empty: any. */
  readonly audiences: readonly string[];
  readonly keys: KeySource;
  readonly headers: readonly { readonly name: string; readonly prefix: string }[];
  readonly params: readonly string[];
  readonly cookies: readonly string[];
  readonly forward: boolean;
  /** In lower case. */
  readonly payloadHeader: string | undefined;
  readonly claimHeaders: readonly { readonly header: string; readonly path: readonly string[] }[];
  /** Claims that are lists in one text. */
  readonly spaceDelimited: ReadonlySet<string>;
  /** How long the fetching of keys may take. */
  readonly timeoutMs: number;
}

const DEFAULT_HEADERS = [{ name: 'authorization', prefix: 'Bearer ' }];
const DEFAULT_PARAMS = ['access_token'];
const ALWAYS_DELIMITED = ['scope', 'permission'];
const DEFAULT_TIMEOUT_MS = 5_000;
const DISCOVERY = '/.well-known/openid-configuration';

/**
 * The rules of all RequestAuthentications that are attached to `workload` (istio-semantics 4.1), by
 * issuer. None takes the place of another.
 */
export function tokenRules(
  policies: readonly RequestAuthentication[],
  workload: Pick<Workload, 'namespace' | 'labels'>,
  { rootNamespace }: Pick<MeshSettings, 'rootNamespace'>,
): readonly TokenRule[] {
  return policies
    .filter(({ metadata, spec }) => {
      if (metadata.namespace !== workload.namespace && metadata.namespace !== rootNamespace) {
        return false;
      }
      if (spec.targetRef !== undefined || (spec.targetRefs?.length ?? 0) > 0) return false;
      return selects(spec.selector?.matchLabels, workload.labels);
    })
    .toSorted(
      (a, b) =>
        compareText(a.metadata.namespace ?? '', b.metadata.namespace ?? '') ||
        compareText(a.metadata.name, b.metadata.name),
    )
    .flatMap(({ metadata, spec }) =>
      (spec.jwtRules ?? []).map((rule, index) =>
        compiled(rule, { namespace: metadata.namespace ?? '', name: metadata.name, rule: index }),
      ),
    )
    .toSorted((a, b) => compareText(a.issuer, b.issuer));
}

/** Where the keys of a rule are: written beside it, at a URL, or found by the issuer's name. */
export function keySourceOf({ jwks, jwksUri, jwks_uri, issuer = '' }: JwtRule): KeySource {
  if (jwks !== undefined && jwks !== '') return { kind: 'inline', jwks };
  const url = jwksUri ?? jwks_uri;
  if (url !== undefined && url !== '') return { kind: 'url', url, discovery: false };
  return { kind: 'url', url: `${issuer.replace(/\/$/, '')}${DISCOVERY}`, discovery: true };
}

/** How long the keys of a rule may take to come, in milliseconds. */
export function keyTimeoutMs({ timeout }: JwtRule): number {
  return (timeout === undefined ? undefined : parseGoDuration(timeout)) ?? DEFAULT_TIMEOUT_MS;
}

function compiled(
  rule: JwtRule,
  reference: Pick<TokenRule, 'namespace' | 'name' | 'rule'>,
): TokenRule {
  const { fromHeaders = [], fromParams = [], fromCookies = [] } = rule;
  const places = fromHeaders.length + fromParams.length + fromCookies.length;
  return {
    ...reference,
    issuer: rule.issuer ?? '',
    audiences: rule.audiences ?? [],
    keys: keySourceOf(rule),
    headers:
      places === 0
        ? DEFAULT_HEADERS
        : fromHeaders.map(({ name, prefix = '' }) => ({ name: name.toLowerCase(), prefix })),
    params: places === 0 ? DEFAULT_PARAMS : fromParams,
    cookies: fromCookies,
    forward: rule.forwardOriginalToken ?? false,
    payloadHeader: rule.outputPayloadToHeader?.toLowerCase(),
    claimHeaders: (rule.outputClaimToHeaders ?? []).map(({ header, claim }) => ({
      header: header.toLowerCase(),
      path: claim.split('.'),
    })),
    spaceDelimited: new Set([...ALWAYS_DELIMITED, ...(rule.spaceDelimitedClaims ?? [])]),
    timeoutMs: keyTimeoutMs(rule),
  };
}
