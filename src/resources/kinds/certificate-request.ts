import { type Static, Type } from 'typebox';
import { atomicTexts, flag, map, text } from '../fields.ts';
import { parseGoDuration } from '../go-duration.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { sameJson } from '../same-json.ts';
import { closed, status } from '../schema.ts';
import { checkIssuer } from './check-certificate.ts';
import { ageColumn, readyColumn, readyMessageColumn } from './columns.ts';
import { issuerReferenceSchema, usages } from './issuer-reference.ts';

const PEM_REQUEST = 'LS0tLS1CRUdJTi';

const spec = lazy(() =>
  closed(
    {
      request: Type.String({
        format: 'byte',
        minLength: 1,
        description: 'Signing request (CSR) in PEM, in base64.',
      }),
      issuerRef: issuerReferenceSchema(),
      duration: text('How long the certificate is asked to hold.'),
      isCA: flag('Whether it may sign certificates.'),
      usages: usages(),
      username: text('Who asks; written by the server.'),
      uid: text('Their uid; written by the server.'),
      groups: atomicTexts('Their groups; written by the server.'),
      extra: map(Type.Array(Type.String()), 'More about them; written by the server.'),
    },
    'What is asked to be signed, and by whom; never changes.',
  ),
);

const schema = lazy(() =>
  Type.Object({ spec: spec(), status: Type.Optional(status) }, { additionalProperties: false }),
);

type CertificateRequestSpec = Immutable<Static<ReturnType<typeof spec>>>;
/** One request to an issuer, which is answered once. */
export type CertificateRequest = ResourceOf<'CertificateRequest', ReturnType<typeof schema>>;

const condition = (type: string) => `.status.conditions[?(@.type == "${type}")].status`;

/** cert-manager's CertificateRequest. */
export const certificateRequest: KindDefinition<CertificateRequest> = {
  group: 'cert-manager.io',
  versions: ['v1'],
  kind: 'CertificateRequest',
  plural: 'certificaterequests',
  singular: 'certificaterequest',
  shortNames: ['cr', 'crs'],
  categories: ['cert-manager'],
  namespaced: true,
  description:
    'One request to an issuer for a certificate. It is answered once: signed, denied or failed; another try is another request.',
  get schema() {
    return schema();
  },
  columns: [
    { name: 'Approved', type: 'string', jsonPath: condition('Approved') },
    { name: 'Denied', type: 'string', jsonPath: condition('Denied') },
    readyColumn,
    { name: 'Issuer', type: 'string', jsonPath: '.spec.issuerRef.name' },
    { name: 'Requester', type: 'string', jsonPath: '.spec.username' },
    readyMessageColumn,
    ageColumn,
  ],
  validate: checkRequest,
  validateUpdate: (old, resource, report) => {
    if (!sameJson(old.spec, resource.spec)) {
      report('spec', 'cannot be changed; make another CertificateRequest');
    }
  },
  subresources: { status: true },
  selectableFields: ['spec.issuerRef.group', 'spec.issuerRef.kind', 'spec.issuerRef.name'],
  visibility: 'never',
  inert: true,
  confidential: false,
};

function checkRequest(
  { spec: wanted }: { readonly spec: CertificateRequestSpec },
  report: Report,
): void {
  checkIssuer(wanted.issuerRef, 'spec.issuerRef', report);
  if (!wanted.request.startsWith(PEM_REQUEST)) {
    report('spec.request', 'is not a PEM block in base64');
  }
  const { duration } = wanted;
  if (duration !== undefined && (parseGoDuration(duration) ?? 0) <= 0) {
    report('spec.duration', 'is not a duration above 0, such as "2160h"');
  }
}
