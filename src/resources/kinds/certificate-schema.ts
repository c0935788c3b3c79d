import { type Static, Type } from 'typebox';
import { atomicTexts, flag, int32, list, text, textMap, word } from '../fields.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed, status } from '../schema.ts';
import { atomicList } from '../schema-annotations.ts';
import { issuerReferenceSchema, secretKeyReference, usages } from './issuer-reference.ts';

const subject = lazy(() =>
  closed(
    {
      organizations: atomicTexts('Organizations (O).'),
      countries: atomicTexts('Countries (C).'),
      organizationalUnits: atomicTexts('Units of an organization (OU).'),
      localities: atomicTexts('Cities (L).'),
      provinces: atomicTexts('States or provinces (ST).'),
      streetAddresses: atomicTexts('Streets.'),
      postalCodes: atomicTexts('Postal codes.'),
      serialNumber: text('Serial number of the subject, not of the certificate.'),
    },
    'Whom the certificate is for, beside its common name.',
  ),
);

const names = lazy(() => ({
  dnsDomains: atomicTexts('DNS domains.'),
  ipRanges: atomicTexts('Ranges of addresses, in CIDR.'),
  emailAddresses: atomicTexts('Mail addresses and domains.'),
  uriDomains: atomicTexts('Hosts of URIs.'),
}));

const keystores = lazy(() =>
  closed(
    {
      jks: Type.Optional(
        closed(
          {
            create: Type.Boolean({ description: 'Whether `keystore.jks` is written.' }),
            alias: text('Alias of the key; `certificate` where it is left out.'),
            passwordSecretRef: Type.Optional(secretKeyReference()),
            password: text('The password itself.'),
          },
          'A Java keystore.',
        ),
      ),
      pkcs12: Type.Optional(
        closed(
          {
            create: Type.Boolean({ description: 'Whether `keystore.p12` is written.' }),
            profile: word(
              ['LegacyRC2', 'LegacyDES', 'Modern2023', 'Modern2026'],
              'Algorithms; LegacyRC2 where it is left out.',
            ),
            passwordSecretRef: Type.Optional(secretKeyReference()),
            password: text('The password itself.'),
          },
          'A PKCS#12 keystore.',
        ),
      ),
    },
    'Keystores that the Secret gets too.',
  ),
);

const privateKey = lazy(() =>
  closed(
    {
      algorithm: word(['RSA', 'ECDSA', 'Ed25519'], 'RSA where it is left out.'),
      size: Type.Optional(
        Type.Integer({
          format: 'int32',
          description: 'Bits: 2048 to 8192 with RSA, 256, 384 or 521 with ECDSA.',
        }),
      ),
      encoding: word(['PKCS1', 'PKCS8'], 'PKCS1 where it is left out.'),
      rotationPolicy: word(
        ['Never', 'Always'],
        'Whether each certificate gets a new key; Always where it is left out.',
      ),
    },
    'The key.',
  ),
);

const renewal = lazy(() =>
  closed(
    {
      policy: word(['RenewBefore', 'Disabled'], 'Whether it is renewed by itself.'),
      windows: list(
        closed(
          {
            cron: Type.String({
              minLength: 1,
              description: 'When a window opens, as cron has it.',
            }),
            windowDuration: Type.String({ description: 'How long it is open.' }),
            timezone: text('Time zone of the cron; UTC where it is left out.', { minLength: 1 }),
          },
          'A time at which it may be renewed.',
        ),
        'When it may be renewed.',
        { ...atomicList() },
      ),
    },
    'When it is renewed.',
  ),
);

const nameConstraints = lazy(() =>
  closed(
    {
      critical: flag('Whether who does not understand them must refuse.'),
      permitted: Type.Optional(closed(names(), 'What names must be within.')),
      excluded: Type.Optional(closed(names(), 'What names must not be within.')),
    },
    'For which names it may sign; for authorities only.',
  ),
);

const spec = lazy(() =>
  closed(
    {
      secretName: Type.String({
        minLength: 1,
        description: 'Secret that key and certificate go to.',
      }),
      issuerRef: issuerReferenceSchema(),
      commonName: text('Common name, of at most 64 characters.'),
      literalSubject: text('Whole subject as LDAP writes it, in place of subject and commonName.'),
      subject: Type.Optional(subject()),
      dnsNames: atomicTexts('DNS names.'),
      ipAddresses: atomicTexts('IP addresses.'),
      uris: atomicTexts('URIs, such as SPIFFE IDs.'),
      emailAddresses: atomicTexts('Mail addresses.'),
      otherNames: list(
        closed(
          { oid: text('What sort of name it is.'), utf8Value: text('The name.') },
          'A name of another sort.',
        ),
        'Names of other sorts.',
        { ...atomicList() },
      ),
      duration: text('How long it is asked to hold; 2160h where it is left out.'),
      renewBefore: text(
        'How long before its end it is renewed; a third of its life where left out.',
      ),
      renewBeforePercentage: int32('Share of its life that is left when it is renewed.'),
      renewal: Type.Optional(renewal()),
      secretTemplate: Type.Optional(
        closed(
          { annotations: textMap('Annotations.'), labels: textMap('Labels.') },
          'What the Secret gets beside the data.',
        ),
      ),
      keystores: Type.Optional(keystores()),
      isCA: flag('Whether it may sign certificates.'),
      usages: usages(),
      privateKey: Type.Optional(privateKey()),
      signatureAlgorithm: word(
        [
          'SHA256WithRSA',
          'SHA384WithRSA',
          'SHA512WithRSA',
          'ECDSAWithSHA256',
          'ECDSAWithSHA384',
          'ECDSAWithSHA512',
          'PureEd25519',
        ],
        'How it is signed, in agreement with the key of the issuer.',
      ),
      encodeUsagesInRequest: flag('Whether the request carries the usages; true where left out.'),
      revisionHistoryLimit: int32('How many CertificateRequests are kept; 1 where left out.'),
      additionalOutputFormats: list(
        closed(
          { type: Type.Enum(['DER', 'CombinedPEM'], { type: 'string', description: 'Which.' }) },
          'One further form.',
        ),
        'Further forms in the Secret: `key.der`, `tls-combined.pem`.',
        { ...atomicList() },
      ),
      nameConstraints: Type.Optional(nameConstraints()),
    },
    'What certificate is wanted, from whom, and where it goes.',
  ),
);

/** The schema of a Certificate below its metadata. */
export const certificateSchema = lazy(() =>
  Type.Object({ spec: spec(), status: Type.Optional(status) }, { additionalProperties: false }),
);

/** What a Certificate wants: `spec`. */
export type CertificateSpec = Immutable<Static<ReturnType<typeof spec>>>;
