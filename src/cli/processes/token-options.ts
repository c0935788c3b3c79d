import { type Command, Option } from 'commander';
import type { TokenConfig } from '../../app/control-plane/token-authority.ts';
import {
  type TokenKeyAlgorithm,
  tokenKeyAlgorithms,
} from '../../app/control-plane/token-key-algorithms.ts';
import { MeshError } from '../../lib/errors.ts';
import { parseAddress } from '../address.ts';

export interface TokenOptions {
  readonly oidc?: string;
  readonly serviceAccountIssuer?: string;
  readonly serviceAccountJwksUri?: string;
  readonly tokenKeyAlgorithm?: TokenKeyAlgorithm;
}

/** The flags of `hauberk up` about signed tokens; two of them are named as in Kubernetes. */
export function addTokenOptions(command: Command): void {
  command
    .option(
      '--oidc <host:port>',
      'serve OpenID Connect discovery of the token keys there by HTTPS (default: not served)',
    )
    .option(
      '--service-account-issuer <url>',
      'the issuer named in tokens (default: https://kubernetes.default.svc.<trust domain>)',
    )
    .option(
      '--service-account-jwks-uri <url>',
      'where verifiers find the keys (default: /openid/v1/jwks of the issuer)',
    )
    .addOption(
      new Option(
        '--token-key-algorithm <name>',
        'keys that sign tokens (default: ecdsa-p256)',
      ).choices(tokenKeyAlgorithms),
    );
}

/** @throws {MeshError} ERR_USAGE quoting the flag. */
export function tokenConfigOf(options: TokenOptions): TokenConfig {
  return {
    issuer: httpsUrl('--service-account-issuer', options.serviceAccountIssuer),
    jwksUri: httpsUrl('--service-account-jwks-uri', options.serviceAccountJwksUri),
    oidc: options.oidc === undefined ? undefined : parseAddress(options.oidc),
    keyAlgorithm: options.tokenKeyAlgorithm,
  };
}

/** As it was written: verifiers compare the issuer letter by letter. */
function httpsUrl(flag: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  const good =
    url?.protocol === 'https:' &&
    url.username + url.password + url.search + url.hash === '' &&
    !/[?#]|\/$/.test(text);
  if (good && text.length <= 512) return text;
  throw new MeshError(
    'ERR_USAGE',
    `${flag} "${text.slice(0, 200)}" cannot be used; write it as https://mesh.example.com, without query, fragment, user or a slash at the end`,
  );
}
