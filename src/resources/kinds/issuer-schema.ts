import { type Static, Type } from 'typebox';
import { atomicTexts, flag, list, text, word } from '../fields.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed, status } from '../schema.ts';
import { atomicList } from '../schema-annotations.ts';
import { acmeSolverSchema } from './acme-solver-schema.ts';
import { secretKeyReference } from './issuer-reference.ts';

const required = (description: string) => Type.String({ minLength: 1, description });
const bundle = () => text('Authorities to trust, PEM in base64.', { format: 'byte' });
const secretKey = () => Type.Optional(secretKeyReference());

const acme = lazy(() =>
  closed(
    {
      server: required('URL of the directory of the ACME server.'),
      email: text('Mail address of the account.'),
      privateKeySecretRef: secretKeyReference(),
      preferredChain: text('Common name of the root whose chain is preferred.', { maxLength: 64 }),
      profile: text('Profile of certificates that is asked for.'),
      caBundle: bundle(),
      skipTLSVerify: flag('Trusts any server; for tests.'),
      externalAccountBinding: Type.Optional(
        closed(
          {
            keyID: required('Id of the key.'),
            keySecretRef: secretKeyReference(),
            keyAlgorithm: word(['HS256', 'HS384', 'HS512'], 'No longer used.'),
          },
          'The account at the authority that this one belongs to.',
        ),
      ),
      solvers: list(acmeSolverSchema(), 'How challenges are solved.', { ...atomicList() }),
      disableAccountKeyGeneration: flag('Whether the key of the account must be there already.'),
      enableDurationFeature: flag('Whether the duration is asked for.'),
      renewalInformationSource: word(['ARI', 'None'], 'Who says when to renew.', {
        default: 'ARI',
      }),
    },
    'An authority that speaks ACME, such as Let’s Encrypt.',
  ),
);

const serviceAccountReference = lazy(() =>
  Type.Optional(
    closed(
      {
        name: Type.String({ description: 'Its name.' }),
        audiences: atomicTexts('Further audiences of its tokens.'),
      },
      'ServiceAccount by whose token it is done.',
    ),
  ),
);

const vaultAuth = lazy(() =>
  closed(
    {
      tokenSecretRef: secretKey(),
      appRole: Type.Optional(
        closed(
          {
            path: Type.String({ description: 'Where the method is mounted.' }),
            roleId: Type.String({ description: 'Id of the role.' }),
            secretRef: secretKeyReference(),
          },
          'By AppRole.',
        ),
      ),
      clientCertificate: Type.Optional(
        closed(
          {
            mountPath: text('Where the method is mounted.'),
            secretName: text('Secret of the type kubernetes.io/tls.'),
            name: text('Role of the certificate.'),
          },
          'By a client certificate.',
        ),
      ),
      kubernetes: Type.Optional(
        closed(
          {
            mountPath: text('Where the method is mounted.'),
            role: Type.String({ description: 'Role in Vault.' }),
            secretRef: secretKey(),
            serviceAccountRef: serviceAccountReference(),
          },
          'By a token of a ServiceAccount.',
        ),
      ),
      aws: Type.Optional(
        closed(
          {
            role: required('Role in Vault.'),
            region: text('Region.'),
            mountPath: text('Where the method is mounted.'),
            iamRoleArn: text('Role in AWS that is taken.'),
            vaultHeaderValue: text('Value of the header that Vault wants.'),
            serviceAccountRef: serviceAccountReference(),
          },
          'By AWS IAM.',
        ),
      ),
    },
    'How Vault knows who asks; exactly one.',
  ),
);

const vault = lazy(() =>
  closed(
    {
      server: required('URL of Vault.'),
      path: required('Path of its signing: `<mount>/sign/<role>`.'),
      auth: vaultAuth(),
      namespace: text('Namespace in Vault.'),
      serverName: text('Name of the server in its certificate.'),
      caBundle: bundle(),
      caBundleSecretRef: secretKey(),
      clientCertSecretRef: secretKey(),
      clientKeySecretRef: secretKey(),
    },
    'HashiCorp Vault.',
  ),
);

const credentials = lazy(() =>
  closed({ name: Type.String({ description: 'Its name.' }) }, 'Secret with the credentials.'),
);

const venafi = lazy(() =>
  closed(
    {
      zone: required('Zone whose rules hold.'),
      tpp: Type.Optional(
        closed(
          {
            url: Type.String({ description: 'URL of the server.' }),
            credentialsRef: credentials(),
            caBundle: bundle(),
            caBundleSecretRef: secretKey(),
          },
          'A server of your own.',
        ),
      ),
      cloud: Type.Optional(
        closed({ url: text('URL.'), apiTokenSecretRef: secretKeyReference() }, 'As a service.'),
      ),
      ngts: Type.Optional(
        closed(
          {
            tsgID: Type.String({ description: 'Tenant service group.' }),
            credentialsRef: credentials(),
            url: text('URL.'),
            tokenEndpoint: text('URL for tokens.'),
          },
          'Next Generation Trust Services.',
        ),
      ),
    },
    'CyberArk (Venafi) Certificate Manager; exactly one of tpp, cloud and ngts.',
  ),
);

const spec = lazy(() =>
  closed(
    {
      selfSigned: Type.Optional(
        closed(
          { crlDistributionPoints: atomicTexts('Where the revocation list is.') },
          'Each certificate is signed by its own key.',
        ),
      ),
      ca: Type.Optional(
        closed(
          {
            secretName: required('Secret with certificate and key of the authority.'),
            crlDistributionPoints: atomicTexts('Where the revocation list is.'),
            ocspServers: atomicTexts('Who answers OCSP.'),
            issuingCertificateURLs: atomicTexts('Where the certificate of the authority is.'),
          },
          'Signed by a key in a Secret.',
        ),
      ),
      acme: Type.Optional(acme()),
      vault: Type.Optional(vault()),
      venafi: Type.Optional(venafi()),
    },
    'Who signs; exactly one.',
  ),
);

/** The schema of an Issuer and of a ClusterIssuer below their metadata. */
export const issuerSchema = lazy(() =>
  Type.Object({ spec: spec(), status: Type.Optional(status) }, { additionalProperties: false }),
);

/** What an Issuer is: `spec`. */
export type IssuerSpec = Immutable<Static<ReturnType<typeof spec>>>;
