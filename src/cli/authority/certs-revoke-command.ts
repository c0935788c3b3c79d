import { Command, Option } from 'commander';
import { MeshError } from '../../lib/errors.ts';
import { REVOCATION_REASONS } from '../../resources/kinds/certificate-revocation.ts';
import { askPlane } from '../api-access.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from '../options.ts';
import { print } from '../output.ts';

interface RevokeOptions extends CommonOptions {
  readonly identity?: string;
  readonly reason: string;
}

interface RevokeAnswer {
  readonly items: readonly { readonly serial: string; readonly id: string }[];
  /** How many were not revoked before. */
  readonly revoked: number;
  readonly discardedTokens: number;
  readonly removedRegistrations: readonly string[];
}

interface CrlOptions extends Omit<CommonOptions, 'output'> {
  readonly output: 'pem' | 'der' | 'json';
}

/** `hauberk certs revoke SERIAL | --identity SPIFFE-ID`. */
export function certsRevokeCommand(): Command {
  const command = new Command('revoke')
    .description(
      'refuse a certificate, or all of an identity, in the whole mesh from now on; its open connections are closed. This cannot be taken back: the workload must enrol anew',
    )
    .argument('[serial]', 'the certificate; six digits or more suffice')
    .option(
      '--identity <spiffe-id>',
      'every certificate, unused token and WorkloadRegistration of an identity',
    )
    .addOption(
      new Option('--reason <word>', 'why, as it stands in the revocation list')
        .choices(REVOCATION_REASONS)
        .default('unspecified'),
    )
    .addOption(outputOption())
    .action(async (serial: string | undefined, options: RevokeOptions) => {
      const { identity, reason } = options;
      if ((serial === undefined) === (identity === undefined)) {
        throw new MeshError('ERR_USAGE', 'name either one serial or one --identity');
      }
      const answer = await askPlane<RevokeAnswer>(options, {
        ...{ method: 'POST', path: '/v1/certificates/revoke' },
        body: { serial, identity, reason },
      });
      print(options.output ?? 'text', answer, lines);
    });
  return withExamples(
    withAccess(command),
    'hauberk certs revoke 4f1e9a --reason keyCompromise',
    'hauberk certs revoke --identity spiffe://cluster.local/ns/shop/sa/reviews',
  );
}

/** `hauberk certs crl`: for programs that know nothing of the mesh. */
export function certsCrlCommand(): Command {
  const command = new Command('crl')
    .description('print the revocation list of the intermediate that signs now, valid for a day')
    .addOption(
      new Option('-o, --output <format>', 'how to print')
        .choices(['pem', 'der', 'json'])
        .default('pem'),
    )
    .action(async (options: CrlOptions) => {
      const call = { method: 'GET', path: '/v1/crl' } as const;
      const answer = await askPlane<{ readonly pem: string }>(options, call);
      process.stdout.write(crlAs(options.output, answer));
    });
  return withExamples(withAccess(command), 'hauberk certs crl -o der > hauberk.crl');
}

function crlAs(format: CrlOptions['output'], answer: { readonly pem: string }): string | Buffer {
  if (format === 'json') return `${JSON.stringify(answer, null, 2)}\n`;
  if (format === 'pem') return answer.pem;
  return Buffer.from(answer.pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
}

function lines(answer: RevokeAnswer): string {
  const { items, revoked, discardedTokens, removedRegistrations } = answer;
  const done = items.map(({ serial, id }) => `certificate/${serial} revoked (${id})`);
  if (revoked < items.length) done.push(`(${items.length - revoked} were revoked before)`);
  for (const name of removedRegistrations) {
    done.push(`${name} deleted; apply it anew to let agents serve the identity again`);
  }
  if (discardedTokens > 0) done.push(`${discardedTokens} unused enrolment tokens discarded`);
  return done.join('\n');
}
