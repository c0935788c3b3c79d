import type { Static } from 'typebox';
import { flag, list, nullable, text, texts, word } from '../fields.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed } from '../schema.ts';
import { TLS_VERSIONS } from './tls-words.ts';

/** Istio's ServerTLSSettings: how a listener takes TLS. */
export const serverTlsSchema = lazy(() =>
  closed(
    {
      httpsRedirect: flag('Answers plaintext requests with a redirect to HTTPS.'),
      mode: word(
        ['PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL'],
        'PASSTHROUGH forwards by server name without decrypting, SIMPLE shows a certificate, MUTUAL wants one of the caller, OPTIONAL_MUTUAL takes one, ISTIO_MUTUAL uses the identity of the workload; PASSTHROUGH where it is left out.',
      ),
      serverCertificate: text('File with the certificate to show.'),
      privateKey: text('File with its private key.'),
      caCertificates: text('File with the authorities of callers.'),
      caCrl: text('File with the certificates of callers that were revoked.'),
      credentialName: text('Secret with certificate and key, in place of files.'),
      credentialNames: texts('Secrets with one certificate for each kind of key.', {
        minItems: 1,
        maxItems: 2,
      }),
      caCertCredentialName: text('Secret or ConfigMap with the authorities of callers.'),
      tlsCertificates: list(
        closed(
          {
            serverCertificate: text('File with the certificate.'),
            privateKey: text('File with its private key.'),
            caCertificates: text('File with the authorities of callers.'),
          },
          'One certificate.',
        ),
        'Files of one certificate for each kind of key.',
        { minItems: 1, maxItems: 2 },
      ),
      subjectAltNames: texts('Names of which the certificate of the caller must have one.'),
      verifyCertificateSpki: texts(
        'Hashes of public keys, base64 of SHA-256, that callers may have.',
      ),
      verifyCertificateHash: texts(
        'Hashes of certificates, SHA-256 in hex, that callers may have.',
      ),
      minProtocolVersion: word([...TLS_VERSIONS], 'Lowest TLS version; 1.2 where it is left out.'),
      maxProtocolVersion: word([...TLS_VERSIONS], 'Highest TLS version.'),
      cipherSuites: texts('Cipher suites for TLS 1.2, by their OpenSSL names.'),
      insecureSkipVerify: flag('Takes any certificate of the caller.', nullable),
    },
    'How TLS is taken.',
  ),
);

/** How a listener takes TLS. */
export type ServerTls = Immutable<Static<ReturnType<typeof serverTlsSchema>>>;
