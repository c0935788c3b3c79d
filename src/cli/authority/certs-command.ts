import { Command, Option } from 'commander';
import { formatDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import { askPlane } from '../api-access.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from '../options.ts';
import { print, table } from '../output.ts';
import { certsCrlCommand, certsRevokeCommand } from './certs-revoke-command.ts';

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
  readonly limit: number;
  readonly continue?: string;
}

interface ListAnswer {
  readonly items: readonly CertificateView[];
  readonly total: number;
  /** Where the next certificates are. */
  readonly continue?: string;
}

const PAGE = 5_000;

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
    .addOption(
      new Option('--limit <count>', 'how many at most, 0 for all')
        .default(1_000)
        .argParser(limitFrom),
    )
    .option('--continue <place>', 'go on where a list ended, as its last line or its JSON says')
    .addOption(outputOption())
    .action(async (options: ListOptions) => {
      print(options.output ?? 'text', await listed(options), rows);
    });
  return withExamples(
    withAccess(list),
    'hauberk certs list',
    'hauberk certs list --identity spiffe://cluster.local/ns/shop/sa/reviews -o json',
    'hauberk certs list --limit 0 -o json > certificates.json',
  );
}

function limitFrom(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new MeshError('ERR_USAGE', `"${text}" is no limit; give a number, 0 for all`);
}

/** Page by page, so that none of the answers is huge. */
async function listed(options: ListOptions): Promise<ListAnswer> {
  const most = options.limit === 0 ? Number.POSITIVE_INFINITY : options.limit;
  const items: CertificateView[] = [];
  let next = options.continue;
  for (;;) {
    const limit = String(Math.min(PAGE, most - items.length));
    const query = { id: options.identity, limit, continue: next };
    const call = { method: 'GET', path: '/v1/certificates', query } as const;
    const answer: ListAnswer = await askPlane(options, call);
    items.push(...answer.items);
    next = answer.continue;
    if (next === undefined) return { items, total: answer.total };
    if (items.length >= most) return { items, total: answer.total, continue: next };
  }
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

function rows({ items, total, continue: next }: ListAnswer): string {
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
  if (next === undefined) return text;
  return `${text}\n(${items.length} of ${total}; the next: --continue ${next})`;
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
