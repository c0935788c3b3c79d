import { MeshError } from '../lib/errors.ts';
import { type ApiAnswer, type ApiRequest, jsonAnswer } from './api-request.ts';
import { methodNotAllowed } from './resource-call.ts';
import type { UserInfo } from './rights/user-info.ts';
import { noSuchPath, reasonOf, StatusError } from './status-error.ts';

/** What an operator asks of the control plane itself, authorized by its path. */
export interface OperatorRequest {
  readonly query: URLSearchParams;
  /** The parsed JSON body, undefined where there is none. */
  readonly body: unknown;
  readonly user: UserInfo;
  /** Who asks, for the record. */
  readonly actor: string;
}

/** Answers one request with a JSON value. */
export type OperatorRoute = (request: OperatorRequest) => Promise<unknown>;

/** By method and path below OPERATOR_ROOT: `POST /v1/ca/rotate`. */
export type OperatorRoutes = Readonly<Record<string, OperatorRoute>>;

/** Below it is what no Kubernetes has: `GET /hauberk/v1/ca/status`. */
export const OPERATOR_ROOT = '/hauberk';

/**
 * Answers a path below OPERATOR_ROOT whose caller may ask it.
 *
 * @throws {StatusError} NotFound for a path that there is not, MethodNotAllowed for another method than
 *   its own, and what the route throws, with the code of the MeshError among the causes.
 */
export async function answerOperatorPath(
  path: string,
  request: ApiRequest,
  routes: OperatorRoutes,
): Promise<ApiAnswer> {
  const below = path.slice(OPERATOR_ROOT.length);
  const route = Object.hasOwn(routes, `${request.method} ${below}`)
    ? routes[`${request.method} ${below}`]
    : undefined;
  if (route === undefined) {
    const exists = Object.keys(routes).some((key) => key.endsWith(` ${below}`));
    throw exists ? methodNotAllowed() : noSuchPath();
  }
  const { query, user } = request;
  try {
    const asked = { query, user, body: jsonBody(request), actor: actorOf(request) };
    return jsonAnswer(await route(asked));
  } catch (error) {
    throw withCode(error);
  }
}

/** Who asks, in one line: also who it really is that acts as another. */
export function actorOf({
  user,
  impersonatedBy,
}: Pick<ApiRequest, 'user' | 'impersonatedBy'>): string {
  return impersonatedBy === undefined
    ? user.name
    : `${user.name} (impersonated by ${impersonatedBy.name})`;
}

/** @throws {MeshError} ERR_WIRE. */
export function jsonBody({ body }: Pick<ApiRequest, 'body'>): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch (cause) {
    throw new MeshError('ERR_WIRE', 'the request body is not JSON', { cause });
  }
}

/** A Status has fewer reasons than the mesh has codes, and exit codes go by the code. */
function withCode(error: unknown): unknown {
  if (!MeshError.is(error) || error instanceof StatusError) return error;
  const { code, message } = error;
  const causes = [{ reason: code, message, field: '' }];
  return new StatusError(reasonOf(error), message, { causes }, { cause: error });
}
