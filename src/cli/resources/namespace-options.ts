import type { Command } from 'commander';
import type { ApiClient } from '../../apiclient/api-client.ts';

/** `-n` and `-A`, as kubectl has them. */
export interface NamespaceOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

export function withNamespace(command: Command): Command {
  return command.option(
    '-n, --namespace <name>',
    'namespace (default: that of the kubeconfig’s context, else default)',
  );
}

/** The namespace that is meant; undefined for all. */
export function namespaceOf(
  { namespace, allNamespaces }: NamespaceOptions,
  { access }: Pick<ApiClient, 'access'>,
): string | undefined {
  return allNamespaces === true ? undefined : (namespace ?? access.namespace ?? 'default');
}
