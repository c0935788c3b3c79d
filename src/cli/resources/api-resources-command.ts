import { Command, Option } from 'commander';
import {
  type ApiResource,
  apiVersionOf,
  discover,
  qualifiedPlural,
} from '../../apiclient/discovery.ts';
import { withClient } from '../api-access.ts';
import { type AccessOptions, withAccess, withExamples } from '../options.ts';
import { table } from '../output.ts';

interface ApiResourcesOptions extends AccessOptions {
  readonly apiGroup?: string;
  readonly headers: boolean;
  readonly output?: 'name' | 'wide';
}

/** `hauberk api-resources`. */
export function apiResourcesCommand(): Command {
  const command = new Command('api-resources')
    .description('the types of resources that the server has')
    .option('--api-group <group>', 'only those of one group')
    .option('--no-headers', 'no headings')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['name', 'wide']));
  return withExamples(
    withAccess(command).action((options: ApiResourcesOptions) =>
      withClient(options, async (client) => {
        const { resources } = await discover(client);
        process.stdout.write(text(preferred(resources), options));
      }),
    ),
    'hauberk api-resources --api-group security.istio.io',
  );
}

/** Each type once, in the version that the server prefers. */
function preferred(resources: readonly ApiResource[]): readonly ApiResource[] {
  const seen = new Map<string, ApiResource>();
  for (const resource of resources) {
    const key = qualifiedPlural(resource);
    if (!seen.has(key)) seen.set(key, resource);
  }
  return [...seen.values()];
}

function text(resources: readonly ApiResource[], options: ApiResourcesOptions): string {
  const { apiGroup, output } = options;
  const shown = resources.filter(({ group }) => apiGroup === undefined || group === apiGroup);
  if (output === 'name') return shown.map((one) => `${qualifiedPlural(one)}\n`).join('');
  const wide = output === 'wide';
  const rows = shown.map((one) => [
    ...[one.plural, one.shortNames.join(','), apiVersionOf(one), String(one.namespaced), one.kind],
    ...(wide ? [one.verbs.join(','), one.categories.join(',')] : []),
  ]);
  const headings = [
    ...['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND'],
    ...(wide ? ['VERBS', 'CATEGORIES'] : []),
  ];
  return `${table(options.headers ? headings : undefined, rows)}\n`;
}
