import { readFile, stat } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { MeshError } from '../../lib/errors.ts';
import { fileProblem } from '../../lib/file-problem.ts';
import type { OriginatedTls } from '../../policy/upstream/effective-client-tls.ts';
import type { Credential } from '../../policy/upstream/held-credentials.ts';

/** PEM for a TLS client, as `node:tls` takes it. */
export interface TlsMaterial {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Undefined: nobody is asked. */
  readonly ca: string | readonly string[] | undefined;
  readonly crl: string | undefined;
}

/** @throws {MeshError} ERR_NOT_FOUND or ERR_FORBIDDEN saying what there is and what to do. */
export type ReadCredential = (name: string) => Promise<Credential>;

interface Kept {
  readonly changedAtMs: number;
  readonly size: number;
  readonly text: string;
}

const LARGEST = 1024 * 1024;
const MAX_FILES = 256;

/** Reads what rules name: files, once per change of them, and credentials by name. */
export class TlsMaterials {
  readonly #credential: ReadCredential;
  readonly #files = new Map<string, Kept>();

  constructor(credential: ReadCredential) {
    this.#credential = credential;
  }

  /** @throws {MeshError} ERR_NOT_FOUND naming the file or the reference, and what to do. */
  async of({ credential, authorities }: OriginatedTls): Promise<TlsMaterial> {
    const own = credential === undefined ? undefined : await this.#ownOf(credential);
    const theirs = await this.#theirsOf(authorities);
    return { cert: own?.cert, key: own?.key, ...theirs };
  }

  async #ownOf(
    source: NonNullable<OriginatedTls['credential']>,
  ): Promise<{ cert: string; key: string }> {
    if (source.from === 'files') {
      const [cert, key] = await Promise.all([
        this.#file(source.certificate, 'clientCertificate'),
        this.#file(source.privateKey, 'privateKey'),
      ]);
      return { cert, key };
    }
    const { certificate, privateKey } = await this.#credential(source.name);
    if (certificate === undefined || privateKey === undefined) {
      throw new MeshError(
        'ERR_NOT_FOUND',
        `credentialName "${source.name}" has no certificate with its key; MUTUAL needs tls.crt and tls.key`,
      );
    }
    return { cert: certificate, key: privateKey };
  }

  async #theirsOf(
    authorities: OriginatedTls['authorities'],
  ): Promise<Pick<TlsMaterial, 'ca' | 'crl'>> {
    switch (authorities.from) {
      case 'nobody':
        return { ca: undefined, crl: undefined };
      case 'system':
        return { ca: systemAuthorities(), crl: undefined };
      case 'file': {
        const { path, crl } = authorities;
        return {
          ca: await this.#file(path, 'caCertificates'),
          crl: crl === undefined ? undefined : await this.#file(crl, 'caCrl'),
        };
      }
      case 'credential': {
        const credential = await this.#credential(authorities.name);
        return {
          ca: credential.authorities ?? systemAuthorities(),
          crl: credential.revocationList,
        };
      }
    }
  }

  async #file(path: string, field: string): Promise<string> {
    try {
      const found = await stat(path);
      // A device has no end, and a pipe none until somebody writes.
      if (!found.isFile()) throw new Error('it is no plain file');
      const { mtimeMs, size } = found;
      const kept = this.#files.get(path);
      if (kept?.changedAtMs === mtimeMs && kept.size === size) return kept.text;
      if (size > LARGEST) throw new Error(`it has more than ${LARGEST} bytes`);
      const text = await readFile(path, 'utf8');
      if (this.#files.size >= MAX_FILES) this.#files.clear();
      this.#files.set(path, { changedAtMs: mtimeMs, size, text });
      return text;
    } catch (error) {
      throw new MeshError(
        'ERR_NOT_FOUND',
        `${field} "${path}" of the DestinationRule cannot be read where this workload runs: ${fileProblem(error)}`,
        { cause: error },
      );
    }
  }
}

/** Those of the operating system; Node's own where it has none, as in bare containers. */
function systemAuthorities(): readonly string[] {
  const installed = getCACertificates('system');
  return installed.length > 0 ? installed : getCACertificates('bundled');
}
