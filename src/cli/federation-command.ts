import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { callAdmin } from '../app/admin-client.ts';
import type { FederationView } from '../app/federation.ts';
import { formatDuration } from '../lib/duration.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import { type ChangeLine, changeLines } from './change-lines.ts';
import {
  type CommonOptions,
  dataDirOf,
  dataDirOption,
  outputOption,
  withExamples,
} from './options.ts';
import { print, table } from './output.ts';

interface AddOptions extends CommonOptions {
  readonly endpoint: string;
  readonly profile: string;
  readonly endpointId?: string;
  readonly bundle?: string;
}

interface FederationAnswer {
  readonly trustDomain: string;
  readonly items: readonly FederationView[];
}

/** `hauberk federation add|list|show|remove|bundle`. */
export function federationCommand(): Command {
  return new Command('federation')
    .description('other trust domains whose workloads are believed here')
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(removeCommand())
    .addCommand(bundleCommand());
}

function addCommand(): Command {
  const command = new Command('add')
    .description(
      'believe the workloads of another trust domain, by the bundle at its endpoint; one-way: the other side must add this one too',
    )
    .argument('<trust-domain>', 'the other one; never inferred from the URL')
    .requiredOption('--endpoint <url>', 'where its bundle is served, https://…')
    .addOption(
      new Option('--profile <profile>', 'how the endpoint is authenticated')
        .choices(['https_web', 'https_spiffe'])
        .makeOptionMandatory(),
    )
    .option('--endpoint-id <spiffe-id>', 'with https_spiffe: who must answer there')
    .option('--bundle <file>', 'its bundle to begin with, SPIFFE JSON or PEM (https_spiffe)')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (trustDomain: string, options: AddOptions) => {
      const answer = await callAdmin<{ readonly changes: ChangeLine[] }>(dataDirOf(options), {
        ...{ method: 'POST', path: '/v1/federation' },
        body: {
          ...{ trustDomain, url: options.endpoint, profile: options.profile },
          endpointId: options.endpointId,
          bundle: options.bundle === undefined ? undefined : readBundle(options.bundle),
        },
      });
      print(options.output ?? 'text', answer, ({ changes }) =>
        [
          changeLines(changes),
          `policies without a trust domain (namespaces, serviceAccounts) match identities of "${trustDomain}" too; write principals, or trustDomains beside them`,
        ].join('\n'),
      );
    });
  return withExamples(
    command,
    'hauberk federation add partner.example --endpoint https://bundle.partner.example/ --profile https_web',
    'hauberk federation add partner.example --endpoint https://10.0.0.9:8443/ --profile https_spiffe --endpoint-id spiffe://partner.example/ns/istio-system/sa/hauberk --bundle partner.json',
  );
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list them, with the state of their bundles')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (options: CommonOptions) => {
      print(options.output ?? 'text', await ask(options), ({ items }) => rows(items));
    });
  return withExamples(command, 'hauberk federation list');
}

function showCommand(): Command {
  const command = new Command('show')
    .description('show one with its authorities and what became of the last attempts')
    .argument('<trust-domain>')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (trustDomain: string, options: CommonOptions) => {
      const { items } = await ask(options);
      const found = items.find((item) => item.trustDomain === trustDomain);
      if (found === undefined) {
        throw new MeshError('ERR_NOT_FOUND', `"${trustDomain}" is not federated`);
      }
      print(options.output ?? 'text', found, lines);
    });
  return withExamples(command, 'hauberk federation show partner.example -o json');
}

function removeCommand(): Command {
  const command = new Command('remove')
    .description('believe them no more; their open connections are closed at once')
    .argument('<trust-domain>')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .action(async (trustDomain: string, options: CommonOptions) => {
      const answer = await callAdmin<{ readonly changes: ChangeLine[] }>(dataDirOf(options), {
        ...{ method: 'DELETE', path: '/v1/federation', query: { trustDomain } },
      });
      print(options.output ?? 'text', answer, ({ changes }) => changeLines(changes));
    });
  return withExamples(command, 'hauberk federation remove partner.example');
}

function bundleCommand(): Command {
  const command = new Command('bundle')
    .description('print the bundle of this trust domain, for the other side to begin with')
    .addOption(dataDirOption())
    .action(async (options: CommonOptions) => {
      const call = { method: 'GET', path: '/v1/federation/bundle' } as const;
      const { document } = await callAdmin<{ document: string }>(dataDirOf(options), call);
      process.stdout.write(`${document}\n`);
    });
  return withExamples(command, 'hauberk federation bundle > ours.json');
}

function ask(options: CommonOptions): Promise<FederationAnswer> {
  return callAdmin<FederationAnswer>(dataDirOf(options), { method: 'GET', path: '/v1/federation' });
}

function readBundle(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MeshError('ERR_USAGE', `cannot read the bundle "${file}": ${messageOf(cause)}`, {
      cause,
    });
  }
}

function rows(items: readonly FederationView[]): string {
  if (items.length === 0) return 'No trust domain is federated.';
  const cells = items.map((item) => [
    ...[item.trustDomain, item.state, item.profile],
    item.bundle === undefined ? '-' : String(item.bundle.sequence),
    ago(item.lastSuccess),
    item.url,
    item.lastError ?? '',
  ]);
  const headings = ['TRUST DOMAIN', 'STATE', 'PROFILE', 'SEQUENCE', 'FETCHED', 'URL', 'ERROR'];
  return table(headings, cells);
}

function lines(item: FederationView): string {
  const authorities = item.bundle?.authorities ?? [];
  const facts = [
    ['Trust domain', item.trustDomain],
    ['State', item.state],
    ['Endpoint', `${item.url} (${item.profile})`],
    ['Endpoint ID', item.endpointId ?? '-'],
    ['Sequence', item.bundle === undefined ? '-' : String(item.bundle.sequence)],
    ['Looked at every', item.bundle ? formatDuration(item.bundle.refreshIntervalMs) : '-'],
    ['Fetched', ago(item.lastSuccess)],
    ['Failures', `${item.failures}${item.lastError === undefined ? '' : `: ${item.lastError}`}`],
  ].map(([name = '', value = '']) => `${`${name}:`.padEnd(18)}${value}`);
  const roots = authorities.map(
    ({ subject, fingerprint, notAfter }) => `  ${fingerprint}  until ${notAfter}  ${subject}`,
  );
  return [...facts, `Authorities:      ${authorities.length}`, ...roots].join('\n');
}

function ago(time: string | undefined): string {
  return time === undefined
    ? 'not yet'
    : `${formatDuration(Math.max(0, Date.now() - Date.parse(time)))} ago`;
}
