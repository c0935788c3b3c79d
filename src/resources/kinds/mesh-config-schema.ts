import { Type } from 'typebox';
import { anyObject, duration, flag, list, text, texts, word } from '../fields.ts';
import { lazy } from '../lazy.ts';
import { closed } from '../schema.ts';
import { TLS_VERSIONS } from './tls-words.ts';

const tlsSettings = (description: string) =>
  Type.Optional(
    closed(
      {
        minProtocolVersion: word([...TLS_VERSIONS], 'Lowest TLS version.'),
        cipherSuites: texts('Cipher suites for TLS 1.2, by their OpenSSL names.'),
        ecdhCurves: texts('Curves for the key exchange.'),
      },
      description,
    ),
  );

const extensionProviders = () =>
  list(
    Type.Record(Type.String(), Type.Unknown(), {
      'x-kubernetes-preserve-unknown-fields': true,
      description: 'One provider: its name, and one field that says what it is.',
    }),
    'Who decides, logs, counts or traces for the mesh, by name.',
  );

/** Istio's MeshConfig, as far as a mesh without Envoys everywhere has use for it; the rest is kept. */
export const meshConfigSchema = lazy(() =>
  Type.Object(
    {
      trustDomain: text('Trust domain of the mesh.'),
      trustDomainAliases: texts('Other trust domains whose identities count as of this one.'),
      rootNamespace: text('Namespace whose policies hold for the whole mesh.'),
      enableAutoMtls: flag('Whether callers use mutual TLS wherever it is taken.'),
      meshMTLS: tlsSettings('TLS between workloads.'),
      tlsDefaults: tlsSettings('TLS to and from others.'),
      caCertificates: list(
        closed(
          {
            pem: text('The certificate itself.'),
            spiffeBundleUrl: text('Where a SPIFFE bundle with it is.'),
            certSigners: texts('Signers whose certificate it is.'),
            trustDomains: texts('Trust domains that it counts for.'),
          },
          'One authority.',
        ),
        'Further authorities that are trusted.',
      ),
      pathNormalization: Type.Optional(
        closed(
          {
            normalization: word(
              ['DEFAULT', 'NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'],
              'How far.',
            ),
          },
          'How paths are normalised before policies see them.',
        ),
      ),
      outboundTrafficPolicy: Type.Optional(
        closed(
          {
            mode: word(['REGISTRY_ONLY', 'ALLOW_ANY'], 'Whether unknown services can be called.'),
          },
          'What becomes of calls to unknown services.',
        ),
      ),
      extensionProviders: extensionProviders(),
      defaultProviders: anyObject('Providers that are used where nobody names one.'),
      defaultServiceExportTo: texts('Where Services are known that say nothing of it.'),
      defaultVirtualServiceExportTo: texts('The same of VirtualServices.'),
      defaultDestinationRuleExportTo: texts('The same of DestinationRules.'),
      accessLogFile: text('File of the access log; `/dev/stdout`, or empty for none.'),
      accessLogFormat: text('Format of the access log.'),
      accessLogEncoding: word(['TEXT', 'JSON'], 'Whether the access log is text or JSON.'),
      enableTracing: flag('Whether calls are traced.'),
      enablePrometheusMerge: flag(
        'Whether metrics of the application are served with those of the proxy.',
      ),
      connectTimeout: duration('How long connecting may take.'),
      protocolDetectionTimeout: text('How long the first bytes are waited for.'),
      discoverySelectors: list(
        Type.Record(Type.String(), Type.Unknown(), {
          'x-kubernetes-preserve-unknown-fields': true,
          description: 'Labels of namespaces.',
        }),
        'Namespaces that are looked at.',
      ),
      defaultConfig: anyObject('Settings of every proxy.'),
    },
    {
      'x-kubernetes-preserve-unknown-fields': true,
      description: 'Settings of the mesh; those not named here are kept and have no effect.',
    },
  ),
);
