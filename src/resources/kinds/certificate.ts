import type { KindDefinition, ResourceOf } from '../kind-definition.ts';
import { certificateSchema } from './certificate-schema.ts';
import { checkCertificate } from './check-certificate.ts';
import { ageColumn, readyColumn, readyMessageColumn } from './columns.ts';

/** A certificate that is wanted, and kept fresh in a Secret. */
export type Certificate = ResourceOf<'Certificate', ReturnType<typeof certificateSchema>>;

/** cert-manager's Certificate. */
export const certificate: KindDefinition<Certificate> = {
  group: 'cert-manager.io',
  versions: ['v1'],
  kind: 'Certificate',
  plural: 'certificates',
  singular: 'certificate',
  shortNames: ['cert', 'certs'],
  categories: ['cert-manager'],
  namespaced: true,
  description:
    'A certificate that is wanted: it is issued, written to a Secret with its key, and renewed before it ends.',
  get schema() {
    return certificateSchema();
  },
  columns: [
    readyColumn,
    { name: 'Secret', type: 'string', jsonPath: '.spec.secretName' },
    { name: 'Issuer', type: 'string', priority: 1, jsonPath: '.spec.issuerRef.name' },
    readyMessageColumn,
    { name: 'Expiration', type: 'string', priority: 1, jsonPath: '.status.notAfter' },
    ageColumn,
  ],
  validate: checkCertificate,
  subresources: { status: true },
  selectableFields: ['spec.issuerRef.group', 'spec.issuerRef.kind', 'spec.issuerRef.name'],
  visibility: 'never',
  inert: true,
  confidential: false,
};
