import { Type } from 'typebox';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { closed, oneOf, status } from '../schema.ts';

/** Why an operator revokes; the words of RFC 5280 5.3.1 that fit the certificate of a workload. */
export const REVOCATION_REASONS = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const;

export type RevocationReason = (typeof REVOCATION_REASONS)[number];

const LONGEST_ID = 2_048;
const SERIAL = /^(?:[0-9a-f]{2}){1,20}$/;

const schema = Type.Object(
  {
    spec: closed(
      {
        identity: Type.String({
          maxLength: LONGEST_ID,
          description: 'The SPIFFE ID in the certificate.',
        }),
        issuerSerial: Type.String({ maxLength: 40, description: 'Serial of the authority.' }),
        reason: oneOf([...REVOCATION_REASONS], 'Why it was revoked, as in a revocation list.'),
        revokedAt: Type.String({ maxLength: 32, description: 'When, in RFC 3339.' }),
        notAfter: Type.String({
          maxLength: 32,
          description: 'When the certificate expires; the revocation goes some time after that.',
        }),
      },
      'What was revoked, when and why.',
    ),
    status: Type.Optional(status),
  },
  { additionalProperties: false },
);

/** A certificate that nobody accepts any more; its name is the serial. */
export type CertificateRevocation = ResourceOf<'CertificateRevocation', typeof schema>;

/** One object a serial, so that a further revocation costs every agent that one and not the list. */
export const certificateRevocation: KindDefinition<CertificateRevocation> = {
  group: 'security.hauberk.dev',
  versions: ['v1alpha1'],
  kind: 'CertificateRevocation',
  plural: 'certificaterevocations',
  singular: 'certificaterevocation',
  shortNames: [],
  categories: [],
  namespaced: false,
  description:
    'A certificate that was revoked before its end, named by its serial. The control plane writes it for `hauberk certs revoke`; it cannot be applied or deleted.',
  schema,
  validate: checkRevocation,
  columns: [
    { name: 'Identity', type: 'string', jsonPath: '.spec.identity' },
    { name: 'Reason', type: 'string', jsonPath: '.spec.reason' },
  ],
  visibility: 'mesh',
  confidential: false,
  writtenBy: '`hauberk certs revoke`',
};

function checkRevocation({ metadata, spec }: CertificateRevocation, report: Report): void {
  if (!SERIAL.test(metadata.name)) report('metadata.name', 'must be a serial in hexadecimal');
  if (!SERIAL.test(spec.issuerSerial)) {
    report('spec.issuerSerial', 'must be a serial in hexadecimal');
  }
  for (const field of ['revokedAt', 'notAfter'] as const) {
    if (Number.isNaN(Date.parse(spec[field])))
      report(`spec.${field}`, 'must be a time in RFC 3339');
  }
  try {
    SpiffeId.parse(spec.identity);
  } catch {
    report('spec.identity', 'must be a SPIFFE ID');
  }
}
