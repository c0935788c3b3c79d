import { Command } from 'commander';
import { apiVersionOf, discover } from '../../apiclient/discovery.ts';
import { readSchema } from '../../apiclient/openapi-schema.ts';
import { MeshError } from '../../lib/errors.ts';
import { withClient } from '../api-access.ts';
import { type AccessOptions, withAccess, withExamples } from '../options.ts';
import { explainedField } from './explained-field.ts';

interface ExplainOptions extends AccessOptions {
  readonly recursive?: boolean;
  readonly apiVersion?: string;
}

/** `hauberk explain TYPE.FIELD`. */
export function explainCommand(): Command {
  const command = new Command('explain')
    .description('what the fields of a type mean, from the server’s own schema')
    .argument('<type>', 'type or short name, with fields behind it: destinationrule.spec.host')
    .option('--recursive', 'the names of all fields below')
    .option('--api-version <version>', 'of the type: security.istio.io/v1beta1');
  return withExamples(
    withAccess(command).action((path: string, options: ExplainOptions) =>
      withClient(options, async (client) => {
        const [type = '', ...fields] = path.split('.');
        const discovery = await discover(client);
        const named = discovery.require(type);
        const { apiVersion = apiVersionOf(named) } = options;
        const resource = discovery.kindOf({ apiVersion, kind: named.kind });
        if (resource === undefined) {
          throw new MeshError(
            'ERR_USAGE',
            `the server has no ${named.kind} in the version "${apiVersion}"`,
          );
        }
        const schema = await readSchema(client, resource);
        const recursive = options.recursive === true;
        process.stdout.write(explainedField(schema, { resource, fields, recursive }));
      }),
    ),
    'hauberk explain destinationrule.spec.trafficPolicy.tls',
    'hauberk explain peerauthentications --recursive',
  );
}
