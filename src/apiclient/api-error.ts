import { MeshError, type MeshErrorCode } from '../lib/errors.ts';

/** What a server answers in place of an object; Kubernetes' metav1.Status. */
export interface ApiStatus {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details: {
    readonly name?: string;
    readonly kind?: string;
    readonly group?: string;
    readonly causes?: readonly {
      readonly reason?: string;
      readonly message?: string;
      readonly field?: string;
    }[];
    readonly retryAfterSeconds?: number;
  };
}

/** A refusal of the API server. */
export class ApiError extends MeshError {
  readonly status: ApiStatus;

  constructor(status: ApiStatus, options?: ErrorOptions) {
    super(codeOf(status), status.message, options);
    this.status = status;
  }

  /** Whether it is the control plane's word about itself, and not about a resource. */
  get isOwn(): boolean {
    return ownCode(this.status) !== undefined;
  }

  /** Whether `error` is a refusal, for `reason` where one is given. */
  static because(error: unknown, reason?: string): error is ApiError {
    return error instanceof ApiError && (reason === undefined || error.status.reason === reason);
  }
}

const CODES: Readonly<Record<number, MeshErrorCode>> = {
  400: 'ERR_WIRE',
  401: 'ERR_UNAUTHENTICATED',
  403: 'ERR_FORBIDDEN',
  404: 'ERR_NOT_FOUND',
  405: 'ERR_FORBIDDEN',
  409: 'ERR_CONFLICT',
  410: 'ERR_GONE',
  413: 'ERR_LIMIT',
  415: 'ERR_WIRE',
  422: 'ERR_RESOURCE',
  429: 'ERR_UNREACHABLE',
  503: 'ERR_UNREACHABLE',
  504: 'ERR_UNREACHABLE',
};
/** What the control plane may say of itself. */
const OWN_CODE = /^ERR_[A-Z_]+$/;

function ownCode({ details }: ApiStatus): MeshErrorCode | undefined {
  const own = details.causes?.find(({ reason = '' }) => OWN_CODE.test(reason))?.reason;
  return own as MeshErrorCode | undefined;
}

function codeOf(status: ApiStatus): MeshErrorCode {
  const { code } = status;
  return ownCode(status) ?? CODES[code] ?? (code >= 500 ? 'ERR_STORE' : 'ERR_WIRE');
}

/** The status in an answer's body; of one that is none, what the HTTP code says. */
export function statusIn(code: number, body: string): ApiStatus {
  const parsed = parsedStatus(body);
  const { reason, message, details } = parsed;
  return {
    code,
    reason: typeof reason === 'string' ? reason : '',
    message:
      typeof message === 'string' && message !== ''
        ? message
        : `the server answered ${code}: ${body.slice(0, 200).trim()}`,
    details: typeof details === 'object' && details !== null ? details : {},
  };
}

function parsedStatus(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    const isStatus = typeof value === 'object' && value !== null;
    return isStatus ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
