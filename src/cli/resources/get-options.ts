import type { ApiResource } from '../../apiclient/discovery.ts';
import type { AccessOptions } from '../options.ts';
import type { NamespaceOptions } from './namespace-options.ts';
import type { ObjectFormat } from './object-format.ts';
import type { TableStyle } from './printed-table.ts';
import type { ResourceTarget } from './resource-arguments.ts';

/** The flags of `hauberk get`. */
export interface GetOptions extends AccessOptions, NamespaceOptions {
  readonly output: ObjectFormat;
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly chunkSize: number;
  readonly headers: boolean;
  readonly ignoreNotFound?: boolean;
  readonly showKind?: boolean;
  readonly showLabels?: boolean;
  readonly labelColumns?: readonly string[];
  readonly showManagedFields?: boolean;
  readonly sortBy?: string;
  readonly watch?: boolean;
  readonly watchOnly?: boolean;
  readonly outputWatchEvents?: boolean;
  readonly raw?: string;
}

/** An object to get, in a namespace of its own where a file says so. */
export interface GetTarget extends ResourceTarget {
  readonly namespace: string | undefined;
}

/** How rows of a kind are printed by the flags. */
export function tableStyle(
  { kind, group, namespaced }: ApiResource,
  options: GetOptions,
  several: boolean,
): TableStyle {
  const named = options.showKind === true || several;
  const lower = kind.toLowerCase();
  return {
    wide: options.output.as === 'table' && options.output.wide,
    headings: options.headers,
    namespaces: options.allNamespaces === true && namespaced,
    prefix: named ? `${group === '' ? lower : `${lower}.${group}`}/` : '',
    showLabels: options.showLabels === true,
    labelColumns: options.labelColumns ?? [],
  };
}
