import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { ApiClient } from '../../apiclient/api-client.ts';
import type { ApiObject } from '../../apiclient/api-object.ts';
import { applyObject } from '../../apiclient/apply-object.ts';
import { discover, objectText, pathOf } from '../../apiclient/discovery.ts';
import { operatorCall } from '../../apiclient/operator-call.ts';
import type { FederationView } from '../../app/control-plane/federation.ts';
import { formatDuration } from '../../lib/duration.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { askPlane, withClient } from '../api-access.ts';
import { type CommonOptions, outputOption, withAccess, withExamples } from '../options.ts';
import { print, table } from '../output.ts';

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

const FEDERATED = 'federatedtrustdomains.security.hauberk.dev';

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
    .addOption(outputOption())
    .action(async (trustDomain: string, options: AddOptions) => {
      const { federationDeclaration } = await import(
        '../../app/control-plane/federation-declaration.ts'
      );
      const order = {
        ...{ trustDomain, url: options.endpoint, profile: options.profile },
        endpointId: options.endpointId,
        bundle: options.bundle === undefined ? undefined : readBundle(options.bundle),
      };
      const done = await withClient(options, async (client) => {
        const { trustDomain: own } = await ask(client);
        const wanted = federationDeclaration(order, own) as ApiObject;
        const resource = (await discover(client)).require(FEDERATED);
        return { resource, ...(await applyObject(client, { resource, wanted })) };
      });
      print(options.output ?? 'text', done.object, ({ metadata }) =>
        [
          `${objectText(done.resource, metadata.name)} ${done.action}`,
          `policies without a trust domain (namespaces, serviceAccounts) match identities of "${trustDomain}" too; write principals, or trustDomains beside them`,
        ].join('\n'),
      );
    });
  return withExamples(
    withAccess(command),
    'hauberk federation add partner.example --endpoint https://bundle.partner.example/ --profile https_web',
    'hauberk federation add partner.example --endpoint https://10.0.0.9:8443/ --profile https_spiffe --endpoint-id spiffe://partner.example/ns/istio-system/sa/hauberk --bundle partner.json',
  );
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list them, with the state of their bundles')
    .addOption(outputOption())
    .action(async (options: CommonOptions) => {
      print(options.output ?? 'text', await withClient(options, ask), ({ items }) => rows(items));
    });
  return withExamples(withAccess(command), 'hauberk federation list');
}

function showCommand(): Command {
  const command = new Command('show')
    .description('show one with its authorities and what became of the last attempts')
    .argument('<trust-domain>')
    .addOption(outputOption())
    .action(async (trustDomain: string, options: CommonOptions) => {
      const { federationName } = await import('../../app/control-plane/federation-declaration.ts');
      federationName(trustDomain);
      const { items } = await withClient(options, ask);
      const found = items.find((item) => item.trustDomain === trustDomain);
      if (found === undefined) {
        throw new MeshError('ERR_NOT_FOUND', `"${trustDomain}" is not federated`);
      }
      print(options.output ?? 'text', found, lines);
    });
  return withExamples(withAccess(command), 'hauberk federation show partner.example -o json');
}

function removeCommand(): Command {
  const command = new Command('remove')
    .description('believe them no more; their open connections are closed at once')
    .argument('<trust-domain>')
    .addOption(outputOption())
    .action(async (trustDomain: string, options: CommonOptions) => {
      const { federationName } = await import('../../app/control-plane/federation-declaration.ts');
      const name = federationName(trustDomain);
      const resource = await withClient(options, async (client) => {
        const found = (await discover(client)).require(FEDERATED);
        await removed(client, pathOf(found, { name }), trustDomain);
        return found;
      });
      const answer = { name, action: 'deleted' };
      print(options.output ?? 'text', answer, () => `${objectText(resource, name)} deleted`);
    });
  return withExamples(withAccess(command), 'hauberk federation remove partner.example');
}

function bundleCommand(): Command {
  const command = new Command('bundle')
    .description('print the bundle of this trust domain, for the other side to begin with')
    .action(async (options: CommonOptions) => {
      const call = { method: 'GET', path: '/v1/federation/bundle' } as const;
      const { document } = await askPlane<{ document: string }>(options, call);
      process.stdout.write(`${document}\n`);
    });
  return withExamples(withAccess(command), 'hauberk federation bundle > ours.json');
}

function ask(client: ApiClient): Promise<FederationAnswer> {
  return operatorCall<FederationAnswer>(client, { method: 'GET', path: '/v1/federation' });
}

async function removed(client: ApiClient, path: string, trustDomain: string): Promise<void> {
  try {
    await client.json({ method: 'DELETE', path });
  } catch (error) {
    if (!MeshError.is(error, 'ERR_NOT_FOUND')) throw error;
    throw new MeshError('ERR_NOT_FOUND', `"${trustDomain}" is not federated`, { cause: error });
  }
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
