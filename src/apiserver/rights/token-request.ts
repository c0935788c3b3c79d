import { KindRegistry } from '../../resources/kind-registry.ts';
import { tokenRequest } from '../../resources/kinds/reviews.ts';
import { jsonAnswer } from '../api-request.ts';
import { fieldIn } from '../bodies/json-object.ts';
import { readQuestion } from '../question.ts';
import { requireObject } from '../reads/read-objects.ts';
import { methodNotAllowed } from '../resource-call.ts';
import { apiVersionOf } from '../served-kinds.ts';
import type { Subresource } from '../subresource.ts';
import { type BoundObject, boundObject } from './bound-object.ts';

/** Makes tokens of service accounts. */
export type TokenIssuer = (order: {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Empty for the API itself. */
  readonly audiences: readonly string[];
  readonly lifetimeMs: number;
  /** With which the token is void. */
  readonly bound?: BoundObject;
  /** The user who asks. */
  readonly actor: string;
}) => Promise<{
  readonly token: string;
  readonly expiresAtMs: number;
  readonly audiences: readonly string[];
}>;

const DEFAULT_SECONDS = 3_600;
const MOST_SECONDS = 7 * 86_400;
const kinds = new KindRegistry([tokenRequest]);

/** POST to `serviceaccounts/<name>/token`: what `kubectl create token` asks for. */
export function tokenSubresource(issue: TokenIssuer): Subresource {
  return async (call, context) => {
    if (call.request.method !== 'POST') throw methodNotAllowed();
    const account = await requireObject(call, context);
    const [version] = tokenRequest.versions;
    const asked = {
      ...call,
      definition: tokenRequest,
      version,
      apiVersion: apiVersionOf(tokenRequest.group, version),
    };
    const question = readQuestion(asked, kinds);
    const spec = question['spec'];
    const bound = await boundObject(fieldIn(spec, 'boundObjectRef'), account, context);
    const wanted = Number(fieldIn(spec, 'expirationSeconds') ?? DEFAULT_SECONDS);
    const seconds = Math.min(wanted, MOST_SECONDS);
    if (seconds < wanted) {
      call.warnings.push(
        `requested expiration of ${wanted} seconds shortened to ${seconds} seconds`,
      );
    }
    const given = fieldIn(spec, 'audiences');
    const { token, expiresAtMs, audiences } = await issue({
      namespace: account.metadata.namespace ?? '',
      serviceAccount: account.metadata.name,
      audiences: Array.isArray(given) ? given.map(String) : [],
      lifetimeMs: seconds * 1_000,
      actor: call.request.user.name,
      ...(bound === undefined ? {} : { bound }),
    });
    const expirationTimestamp = `${new Date(expiresAtMs).toISOString().slice(0, 19)}Z`;
    return jsonAnswer(
      {
        ...question,
        spec: {
          ...{ audiences, expirationSeconds: seconds },
          ...(bound === undefined ? {} : { boundObjectRef: { apiVersion: 'v1', ...bound } }),
        },
        status: { token, expirationTimestamp },
      },
      201,
    );
  };
}
