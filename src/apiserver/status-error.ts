import { MeshError, type MeshErrorCode } from '../lib/errors.ts';

/** One thing that is wrong with one field, as kubectl prints it. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** The plural where something was not found or in the way, the Kind where it was invalid. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** Kubernetes' metav1.Status: the body of every answer that is no object. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: { readonly continue?: string };
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

/** What is asked for, in messages: `peerauthentications.security.istio.io`, `secrets`. */
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

interface Reason {
  readonly code: number;
  readonly mesh: MeshErrorCode;
}

/** Kubernetes' reasons with their HTTP codes. */
const REASONS = {
  BadRequest: { code: 400, mesh: 'ERR_WIRE' },
  Unauthorized: { code: 401, mesh: 'ERR_UNAUTHENTICATED' },
  Forbidden: { code: 403, mesh: 'ERR_FORBIDDEN' },
  NotFound: { code: 404, mesh: 'ERR_NOT_FOUND' },
  MethodNotAllowed: { code: 405, mesh: 'ERR_USAGE' },
  NotAcceptable: { code: 406, mesh: 'ERR_WIRE' },
  AlreadyExists: { code: 409, mesh: 'ERR_CONFLICT' },
  Conflict: { code: 409, mesh: 'ERR_CONFLICT' },
  Expired: { code: 410, mesh: 'ERR_GONE' },
  RequestEntityTooLarge: { code: 413, mesh: 'ERR_LIMIT' },
  UnsupportedMediaType: { code: 415, mesh: 'ERR_WIRE' },
  Invalid: { code: 422, mesh: 'ERR_RESOURCE' },
  TooManyRequests: { code: 429, mesh: 'ERR_LIMIT' },
  InternalError: { code: 500, mesh: 'ERR_STORE' },
  NotImplemented: { code: 501, mesh: 'ERR_USAGE' },
  ServiceUnavailable: { code: 503, mesh: 'ERR_GONE' },
  Timeout: { code: 504, mesh: 'ERR_GONE' },
  InsufficientStorage: { code: 507, mesh: 'ERR_STORE' },
} as const satisfies Readonly<Record<string, Reason>>;

export type StatusReason = keyof typeof REASONS;

/** A refusal that reaches the client as this Status. */
export class StatusError extends MeshError {
  readonly status: Status;

  constructor(
    reason: StatusReason,
    message: string,
    details?: StatusDetails,
    options?: ErrorOptions & { readonly continueToken?: string },
  ) {
    super(REASONS[reason].mesh, message, options);
    const token = options?.continueToken;
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: token === undefined ? {} : { continue: token },
      status: 'Failure',
      message,
      reason,
      ...(details === undefined ? {} : { details }),
      code: REASONS[reason].code,
    };
  }
}

/** `peerauthentications.security.istio.io`, or `secrets` in the core group. */
function groupResourceText({ group, resource }: GroupResource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function about({ group, resource }: GroupResource, name: string): StatusDetails {
  return { name, ...(group === '' ? {} : { group }), kind: resource };
}

export function notFound(what: GroupResource, name: string): StatusError {
  const message = `${groupResourceText(what)} "${name}" not found`;
  return new StatusError('NotFound', message, about(what, name));
}

/** For a path that leads nowhere. */
export function noSuchPath(): StatusError {
  return new StatusError('NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(what: GroupResource, name: string): StatusError {
  const message = `${groupResourceText(what)} "${name}" already exists`;
  return new StatusError('AlreadyExists', message, about(what, name));
}

/** Someone else wrote in between. */
export function conflict(
  what: GroupResource,
  name: string,
  why = 'the object has been modified; please apply your changes to the latest version and try again',
): StatusError {
  const message = `Operation cannot be fulfilled on ${groupResourceText(what)} "${name}": ${why}`;
  return new StatusError('Conflict', message, about(what, name));
}

export function forbidden(what: GroupResource, name: string, why: string): StatusError {
  const named = name === '' ? '' : ` "${name}"`;
  return new StatusError(
    'Forbidden',
    `${groupResourceText(what)}${named} is forbidden: ${why}`,
    about(what, name),
  );
}

export function badRequest(message: string): StatusError {
  return new StatusError('BadRequest', message);
}

/** The object is understood and may not be stored. `kind` is the Kind with its group. */
export function invalid(
  { kind, group, name }: { readonly kind: string; readonly group: string; readonly name: string },
  causes: readonly StatusCause[],
): StatusError {
  const texts = causes.map(({ field, message }) =>
    field === '' ? message : `${field}: ${message}`,
  );
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const qualified = group === '' ? kind : `${kind}.${group}`;
  return new StatusError('Invalid', `${qualified} "${name}" is invalid: ${list}`, {
    name,
    ...(group === '' ? {} : { group }),
    kind,
    causes,
  });
}

/** The Status of anything that was thrown; what is no refusal says nothing of the inside. */
export function statusOf(error: unknown): Status {
  if (error instanceof StatusError) return error.status;
  if (!MeshError.is(error)) {
    return new StatusError('InternalError', 'Internal error occurred: see the log of the server')
      .status;
  }
  return new StatusError(reasonOf(error), error.message).status;
}

/** Kubernetes' reason for what went wrong. */
export function reasonOf({ code, message }: MeshError): StatusReason {
  switch (code) {
    case 'ERR_NOT_FOUND':
      return 'NotFound';
    case 'ERR_CONFLICT':
      return 'Conflict';
    case 'ERR_GONE':
      return 'Expired';
    case 'ERR_LIMIT':
      return 'RequestEntityTooLarge';
    case 'ERR_FORBIDDEN':
      return 'Forbidden';
    case 'ERR_UNAUTHENTICATED':
      return 'Unauthorized';
    case 'ERR_RESOURCE':
    case 'ERR_USAGE':
    case 'ERR_WIRE':
    case 'ERR_SPIFFE_ID':
    case 'ERR_SVID':
    case 'ERR_DER':
    case 'ERR_KEY':
      return 'BadRequest';
    case 'ERR_STORE':
      return /\bis full\b|ENOSPC|free (?:some )?space/.test(message)
        ? 'InsufficientStorage'
        : 'InternalError';
    default:
      return 'InternalError';
  }
}
