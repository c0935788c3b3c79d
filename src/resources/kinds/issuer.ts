import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { ageColumn, readyColumn, readyMessageColumn } from './columns.ts';
import { type IssuerSpec, issuerSchema } from './issuer-schema.ts';

/** Who signs the Certificates of a namespace. */
export type Issuer = ResourceOf<'Issuer', ReturnType<typeof issuerSchema>>;
/** Who signs Certificates of every namespace. */
type ClusterIssuer = ResourceOf<'ClusterIssuer', ReturnType<typeof issuerSchema>>;

const common = {
  group: 'cert-manager.io',
  versions: ['v1'] as const,
  categories: ['cert-manager'],
  columns: [readyColumn, readyMessageColumn, ageColumn],
  subresources: { status: true },
  visibility: 'never',
  inert: true,
  confidential: false,
} as const;

/** cert-manager's Issuer. */
export const issuer: KindDefinition<Issuer> = {
  ...common,
  kind: 'Issuer',
  plural: 'issuers',
  singular: 'issuer',
  shortNames: ['iss'],
  namespaced: true,
  description: 'Who signs the Certificates of a namespace: a key of your own, or an authority.',
  get schema() {
    return issuerSchema();
  },
  validate: checkIssuerSpec,
};

/** cert-manager's ClusterIssuer. */
export const clusterIssuer: KindDefinition<ClusterIssuer> = {
  ...common,
  kind: 'ClusterIssuer',
  plural: 'clusterissuers',
  singular: 'clusterissuer',
  shortNames: ['ciss'],
  namespaced: false,
  description: 'Who signs Certificates of every namespace; its Secrets are in the root namespace.',
  get schema() {
    return issuerSchema();
  },
  validate: checkIssuerSpec,
};

function checkIssuerSpec({ spec }: { readonly spec: IssuerSpec }, report: Report): void {
  exactlyOne(spec, ['selfSigned', 'ca', 'acme', 'vault', 'venafi'], 'spec', report);
  if (spec.venafi !== undefined) {
    exactlyOne(spec.venafi, ['tpp', 'cloud', 'ngts'], 'spec.venafi', report);
  }
  if (spec.vault !== undefined) {
    const ways = ['tokenSecretRef', 'appRole', 'clientCertificate', 'kubernetes', 'aws'];
    exactlyOne(spec.vault.auth, ways, 'spec.vault.auth', report);
  }
  for (const [index, { http01, dns01 }] of (spec.acme?.solvers ?? []).entries()) {
    if ((http01 === undefined) === (dns01 === undefined)) {
      report(`spec.acme.solvers[${index}]`, 'exactly one of http01 and dns01 must be set');
    }
  }
}

function exactlyOne(value: object, names: readonly string[], field: string, report: Report): void {
  const given = names.filter((name) => Object.hasOwn(value, name));
  if (given.length === 1) return;
  const found = given.length === 0 ? 'none is' : `${given.join(' and ')} are`;
  report(field, `exactly one of ${names.join(', ')} must be set; ${found}`);
}
