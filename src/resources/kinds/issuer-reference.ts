import { type TObject, type TOptional, type TString, Type } from 'typebox';
import { list, text } from '../fields.ts';
import { lazy } from '../lazy.ts';
import { closed } from '../schema.ts';
import { atomicList } from '../schema-annotations.ts';

/** What a certificate may be used for, in cert-manager's words. */
const USAGES = [
  'signing',
  'digital signature',
  'content commitment',
  'key encipherment',
  'key agreement',
  'data encipherment',
  'cert sign',
  'crl sign',
  'encipher only',
  'decipher only',
  'any',
  'server auth',
  'client auth',
  'code signing',
  'email protection',
  's/mime',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'timestamping',
  'ocsp signing',
  'microsoft sgc',
  'netscape sgc',
] as const;

/** The field `usages` of certificates and of requests for them. */
export const usages = lazy(() =>
  list(
    Type.Enum([...USAGES], { type: 'string', description: 'A use.' }),
    'What the key may be used for; digital signature and key encipherment where it is left out.',
    { ...atomicList() },
  ),
);

/** Who signs: a reference to an issuer. */
export const issuerReferenceSchema: () => TObject<{
  readonly name: TString;
  readonly kind: TOptional<TString>;
  readonly group: TOptional<TString>;
}> = lazy(() =>
  closed(
    {
      name: Type.String({ minLength: 1, description: 'Its name.' }),
      kind: text('Issuer or ClusterIssuer; Issuer where it is left out.'),
      group: text('cert-manager.io, or the group of an issuer of your own.'),
    },
    'Who signs.',
  ),
);

/** One key of a Secret of the same namespace. */
export const secretKeyReference: () => TObject<{
  readonly name: TString;
  readonly key: TOptional<TString>;
}> = lazy(() =>
  closed(
    {
      name: Type.String({ description: 'Name of the Secret.' }),
      key: text('Key in it; some users of it have a default.'),
    },
    'A value in a Secret.',
  ),
);
