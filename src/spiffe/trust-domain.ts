import { MeshError } from '../lib/errors.ts';

const SCHEME = 'spiffe://';
const MAX_BYTES = 255;
const NAME = /^[a-z0-9._-]+$/;

/** The name of one root of trust, such as `cluster.local`; a value of this class is always valid. */
export class TrustDomain {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /**
   * Reads `cluster.local` or its ID `spiffe://cluster.local` (SPIFFE-ID 2.1).
   *
   * @throws {MeshError} ERR_SPIFFE_ID with the rule that was broken.
   */
  static parse(text: string): TrustDomain {
    const name = text.startsWith(SCHEME) ? text.slice(SCHEME.length) : text;
    const problem = problemOf(name);
    if (problem !== undefined) {
      const shown = JSON.stringify(text.slice(0, MAX_BYTES));
      throw new MeshError('ERR_SPIFFE_ID', `${shown} is not a trust domain: ${problem}`);
    }
    return new TrustDomain(name);
  }

  /** `spiffe://cluster.local`, without a path. */
  get id(): string {
    return SCHEME + this.name;
  }

  equals(other: TrustDomain): boolean {
    return this.name === other.name;
  }

  toString(): string {
    return this.name;
  }
}

function problemOf(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.length > MAX_BYTES) return `it is longer than ${MAX_BYTES} bytes`;
  if (NAME.test(name)) return undefined;
  return /^[A-Za-z0-9._-]+$/.test(name)
    ? 'write it in lower case'
    : 'only a to z, 0 to 9, dots, dashes and underscores are allowed';
}
