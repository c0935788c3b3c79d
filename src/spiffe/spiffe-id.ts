import { MeshError } from '../lib/errors.ts';
import { TrustDomain } from './trust-domain.ts';

const SCHEME = 'spiffe://';
const MAX_BYTES = 2048;
const PATH = /^(?:\/[A-Za-z0-9._-]+)*$/;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;
const WORKLOAD = /^\/ns\/([^/]+)\/sa\/([^/]+)$/;

/** A SPIFFE ID, `spiffe://<trust domain><path>`; a value of this class is always valid. */
export class SpiffeId {
  readonly trustDomain: TrustDomain;
  /** '' or `/…` without a slash at the end. */
  readonly path: string;

  private constructor(trustDomain: TrustDomain, path: string) {
    this.trustDomain = trustDomain;
    this.path = path;
  }

  /**
   * Reads the one spelling that go-spiffe accepts: lower-case scheme and trust domain, at most 2048
   * bytes, no port, query, fragment, percent-encoding, empty or dot segments (SPIFFE-ID 2).
   *
   * @throws {MeshError} ERR_SPIFFE_ID with the rule that was broken.
   */
  static parse(text: string): SpiffeId {
    if (text.length > MAX_BYTES) refuse(text, `it is longer than ${MAX_BYTES} bytes`);
    if (!text.startsWith(SCHEME)) refuse(text, `it must begin with ${SCHEME}`);
    const slash = text.indexOf('/', SCHEME.length);
    const end = slash === -1 ? text.length : slash;
    const path = text.slice(end);
    const problem = pathProblem(path);
    if (problem !== undefined) refuse(text, problem);
    return new SpiffeId(trustDomainOf(text, text.slice(SCHEME.length, end)), path);
  }

  /**
   * `spiffe://<td>/ns/<namespace>/sa/<service account>`.
   *
   * @throws {MeshError} ERR_SPIFFE_ID when a name cannot be a path segment.
   */
  static forServiceAccount(
    trustDomain: TrustDomain,
    namespace: string,
    serviceAccount: string,
  ): SpiffeId {
    for (const name of [namespace, serviceAccount]) {
      if (name === '' || name.includes('/')) {
        refuse(name, 'a namespace or service account must be one segment of a path');
      }
    }
    return SpiffeId.parse(`${trustDomain.id}/ns/${namespace}/sa/${serviceAccount}`);
  }

  /** Namespace and service account when the path is exactly `/ns/<namespace>/sa/<service account>`. */
  get workload(): { namespace: string; serviceAccount: string } | undefined {
    const [, namespace, serviceAccount] = WORKLOAD.exec(this.path) ?? [];
    return namespace === undefined || serviceAccount === undefined
      ? undefined
      : { namespace, serviceAccount };
  }

  equals(other: SpiffeId): boolean {
    return this.path === other.path && this.trustDomain.equals(other.trustDomain);
  }

  toString(): string {
    return this.trustDomain.id + this.path;
  }

  toJSON(): string {
    return this.toString();
  }
}

function trustDomainOf(text: string, name: string): TrustDomain {
  try {
    return TrustDomain.parse(name);
  } catch (cause) {
    if (!MeshError.is(cause)) throw cause;
    return refuse(text, cause.message);
  }
}

function pathProblem(path: string): string | undefined {
  if (PATH.test(path)) {
    return DOT_SEGMENT.test(path) ? 'a path segment may not be "." or ".."' : undefined;
  }
  if (path.endsWith('/')) return 'it may not end with a slash';
  if (path.includes('//')) return 'a path segment may not be empty';
  return 'a path may hold only letters, digits, dots, dashes and underscores, without encoding';
}

function refuse(text: string, problem: string): never {
  const shown = JSON.stringify(text.slice(0, 300));
  throw new MeshError('ERR_SPIFFE_ID', `${shown} is not a SPIFFE ID: ${problem}`);
}
