import type { KeyObject } from 'node:crypto';
import { MeshError } from '../lib/errors.ts';
import { contextConstructed, type DerReader, readDer, TAG } from './der-reader.ts';
import { readObjectIdentifier, readSmallInteger } from './der-values.ts';
import { der, objectIdentifier, sequence } from './der-writer.ts';
import { nameDer, readName } from './distinguished-name.ts';
import { altNamesExtension } from './extension-writer.ts';
import { type Extensions, noExtensions, readExtensions } from './extensions.ts';
import { altNamesDer } from './general-names.ts';
import type { KeyPair } from './key-pair.ts';
import { OID } from './oids.ts';
import {
  readSignedData,
  signatureAlgorithmFor,
  signData,
  verifySignedData,
} from './signed-data.ts';
import { exportSpki, importSpki } from './spki.ts';

/** A certificate signing request whose signature was made by the key that it asks for. */
export interface Csr {
  readonly der: Uint8Array;
  readonly publicKey: KeyObject;
  /** RFC 4514-like text, '' when empty. */
  readonly subject: string;
  readonly commonName: string | undefined;
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
}

const MAX_BYTES = 16 * 1024;
const VERSION_1 = der(TAG.integer, Uint8Array.of(0));
const EXTENSION_REQUEST = objectIdentifier(OID.extensionRequest);

/**
 * The DER of a PKCS #10 request (RFC 2986), signed with the key pair; the names are a wish only.
 *
 * @throws {MeshError} ERR_ISSUANCE for a name that cannot be written.
 */
export function createCsr(
  keys: KeyPair,
  names: { readonly uriSans?: readonly string[]; readonly commonName?: string } = {},
): Uint8Array {
  const { uriSans = [], commonName } = names;
  const altNames = altNamesDer({ uriSans });
  const attributes =
    altNames === undefined
      ? []
      : [extensionRequest(altNamesExtension(altNames, commonName === undefined))];
  const contents = sequence(
    VERSION_1,
    nameDer(commonName === undefined ? [] : [{ type: 'CN', value: commonName }]),
    exportSpki(keys.publicKey),
    der(contextConstructed(0), ...attributes),
  );
  return signData(contents, keys.privateKey, signatureAlgorithmFor(keys.privateKey));
}

function extensionRequest(...extensions: readonly Uint8Array[]): Uint8Array {
  return sequence(EXTENSION_REQUEST, der(TAG.set, sequence(...extensions)));
}

/**
 * Reads a request, checks that its key is one that `checkPublicKey` accepts and that this key
 * signed it. At most 16 KiB are read; attributes other than the extension request are passed over.
 *
 * @throws {MeshError} ERR_CSR, ERR_KEY.
 */
export function parseCsr(der: Uint8Array): Csr {
  if (der.length > MAX_BYTES) {
    throw new MeshError('ERR_CSR', `a request of ${der.length} bytes; ${MAX_BYTES} are read`);
  }
  const own = new Uint8Array(der);
  try {
    return readDer(own, (reader) =>
      readSignedData(reader, (data) => {
        const csr = readContents(own, data.contents);
        if (!verifySignedData(data, csr.publicKey)) {
          throw new MeshError('ERR_CSR', 'the request is not signed by the key that it asks for');
        }
        return csr;
      }),
    );
  } catch (error) {
    if (!MeshError.is(error, 'ERR_DER')) throw error;
    throw new MeshError('ERR_CSR', `this is not a signing request: ${error.message}`, {
      cause: error,
    });
  }
}

/** CertificationRequestInfo (RFC 2986 4.1). */
function readContents(der: Uint8Array, contents: Uint8Array): Csr {
  return readDer(contents, (reader) =>
    reader.into(TAG.sequence, () => {
      const version = readSmallInteger(reader);
      if (version !== 0) reader.fail(`version ${version + 1} is not known`);
      const { text, commonName } = readName(reader.element());
      const publicKey = importSpki(reader.element());
      const { uriSans, dnsSans } = reader.into(contextConstructed(0), () => readAttributes(reader));
      return { der, publicKey, subject: text, commonName, uriSans, dnsSans };
    }),
  );
}

function readAttributes(reader: DerReader): Extensions {
  let extensions: Extensions | undefined;
  while (reader.more) {
    reader.into(TAG.sequence, () => {
      if (readObjectIdentifier(reader) !== OID.extensionRequest) {
        reader.contents(TAG.set);
        return;
      }
      if (extensions !== undefined) reader.fail('the extension request is there twice');
      extensions = reader.into(TAG.set, () => readExtensions(reader));
    });
  }
  return extensions ?? noExtensions;
}
