import { Type } from 'typebox';
import {
  type KindDefinition,
  READ_ONLY,
  type Report,
  type ResourceOf,
} from '../kind-definition.ts';
import { closed, status } from '../schema.ts';

/** Of the list in base64; some 15,000 certificates. */
const LONGEST_LIST = 1024 * 1024;
const SERIAL = /^(?:[0-9a-f]{2}){1,20}$/;
const BASE64 = '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$';

const schema = Type.Object(
  {
    spec: closed(
      {
        issuer: Type.String({ maxLength: 1_024, description: 'The name of the authority.' }),
        list: Type.String({
          maxLength: LONGEST_LIST,
          pattern: BASE64,
          description: 'The X.509 revocation list: DER in base64.',
        }),
        nextUpdate: Type.String({
          maxLength: 32,
          description: 'Until when it may be used, in RFC 3339; a newer one is there long before.',
        }),
      },
      'What an authority has revoked.',
    ),
    status: Type.Optional(status),
  },
  { additionalProperties: false },
);

/** What one authority has revoked, signed by it; its name is the authority's serial. */
export type CertificateRevocationList = ResourceOf<'CertificateRevocationList', typeof schema>;

/** For programs that check peers themselves; Hauberk's own proxy goes by CertificateRevocation. */
export const certificateRevocationList: KindDefinition<CertificateRevocationList> = {
  group: 'security.hauberk.dev',
  versions: ['v1alpha1'],
  kind: 'CertificateRevocationList',
  plural: 'certificaterevocationlists',
  singular: 'certificaterevocationlist',
  shortNames: [],
  categories: [],
  namespaced: false,
  description:
    'The signed list of what one authority of the mesh has revoked, for Envoy and others that check peers themselves. The control plane writes it; it cannot be applied or deleted.',
  schema,
  validate: checkList,
  columns: [
    { name: 'Issuer', type: 'string', jsonPath: '.spec.issuer' },
    { name: 'Next Update', type: 'string', jsonPath: '.spec.nextUpdate' },
  ],
  verbs: READ_ONLY,
  visibility: 'mesh',
  confidential: false,
  writtenBy: 'the control plane',
};

function checkList({ metadata, spec }: CertificateRevocationList, report: Report): void {
  if (!SERIAL.test(metadata.name)) report('metadata.name', 'must be a serial in hexadecimal');
  if (Number.isNaN(Date.parse(spec.nextUpdate))) {
    report('spec.nextUpdate', 'must be a time in RFC 3339');
  }
}
