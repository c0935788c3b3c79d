import { Command } from 'commander';
import { formatDuration } from '../lib/duration.ts';
import { askPlane } from './api-access.ts';
import { certsCrlCommand, certsRevokeCommand } from './certs-revoke-command.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from './options.ts';
import { print, table } from './output.ts';

interface CertificateView {
  readonly serial: string;
  readonly id: string;
  readonly issuerSerial: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly issuedAt: string;
  readonly attestor: string;
  readonly peerAddress: string;
  readonly revoked?: { readonly at: string; readonly reason: string };
}

interface ListOptions extends CommonOptions {
  readonly identity?: string;
  readonly limit: string;
}

interface ListAnswer {
  readonly items: readonly CertificateView[];
  readonly total: number;
}

/** `hauberk certs list|show|revoke|crl`. */
export function certsCommand(): Command {
  return new Command('certs')
    .description('certificates that were issued and have not expired')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(certsRevokeCommand())
    .addCommand(certsCrlCommand());
}

function listCommand(): Command {
  const list = new Command('list')
    .description('list them, newest first')
    .option('--identity <spiffe-id>', 'only those of one identity')
    .option('--limit <count>', 'how many at most, up to 10000', '1000')
    .addOption(outputOption())
    .action(async (options: ListOptions) => {
      const query = { id: options.identity, limit: options.limit };
      const call = { method: 'GET', path: '/v1/certificates', query } as const;
      print(options.output ?? 'text', await askPlane<ListAnswer>(options, call), rows);
    });
  return withExamples(
    withAccess(list),
    'hauberk certs list',
    'hauberk certs list --identity spiffe://cluster.local/ns/shop/sa/reviews -o json',
  );
}

function showCommand(): Command {
  const show = new Command('show')
    .description('show one, by its serial or how that begins')
    .argument('<serial>', 'as `certs list` or openssl prints it; six digits or more of it suffice')
    .addOption(outputOption())
    .action(async (serial: string, options: CommonOptions) => {
      const call = { method: 'GET', path: '/v1/certificate', query: { serial } } as const;
      const answer = await askPlane<CertificateView>(options, call);
      print(options.output ?? 'text', answer, lines);
    });
  return withExamples(withAccess(show), 'hauberk certs show 4f1e9a');
}

function rows({ items, total }: ListAnswer): string {
  if (items.length === 0) return 'No certificates found.';
  const shown = items.map((item) => [
    item.serial,
    item.id,
    formatDuration(Math.max(0, Date.now() - Date.parse(item.issuedAt))),
    formatDuration(Math.max(0, Date.parse(item.notAfter) - Date.now())),
    item.revoked === undefined ? '' : item.revoked.reason,
    item.attestor,
    item.peerAddress,
  ]);
  const text = table(['SERIAL', 'IDENTITY', 'AGE', 'EXPIRES IN', 'REVOKED', 'BY', 'FROM'], shown);
  return items.length < total ? `${text}\n(${items.length} of ${total})` : text;
}

function lines(certificate: CertificateView): string {
  return [
    ['Serial', certificate.serial],
    ['Identity', certificate.id],
    ['Issuer serial', certificate.issuerSerial],
    ['Not before', certificate.notBefore],
    ['Not after', certificate.notAfter],
    ['Issued at', certificate.issuedAt],
    ['Identified by', certificate.attestor],
    ['Asked from', certificate.peerAddress],
    ['Revoked', revocationText(certificate)],
  ]
    .map(([name, value]) => `${`${name}:`.padEnd(16)}${value}`)
    .join('\n');
}

function revocationText({ revoked }: CertificateView): string {
  return revoked === undefined ? 'no' : `at ${revoked.at} (${revoked.reason})`;
}
