import type { ResourceKey } from '../../resources/resource.ts';

/** What happened to one object, as the control plane answers it. */
export interface ChangeLine {
  readonly key: ResourceKey;
  readonly action: string;
  readonly resourceVersion: string;
}

/** `peerauthentication.security.istio.io/default configured`, a line an object, as kubectl prints it. */
export function changeLines(changes: readonly ChangeLine[]): string {
  return changes
    .map(({ key, action }) => {
      const place = key.namespace === undefined ? '' : ` (namespace ${key.namespace})`;
      return `${key.kind.toLowerCase()}/${key.name} ${action}${place}`;
    })
    .join('\n');
}
