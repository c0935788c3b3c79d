import type { CustomResourceDefinition } from '../kinds/custom-resource-definition.ts';

/** Which of two definitions has a name that both want: the one that has it already, else the older one. */
export function byPrecedence(
  one: CustomResourceDefinition,
  other: CustomResourceDefinition,
): number {
  const [a, b] = [one, other].map(
    (definition) =>
      `${isEstablished(definition) ? 0 : 1} ${definition.metadata.creationTimestamp ?? ''} ${definition.metadata.name}`,
  );
  return (a ?? '') < (b ?? '') ? -1 : 1;
}

function isEstablished({ status }: CustomResourceDefinition): boolean {
  const { conditions = [] } = (status ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  return conditions.some(({ type, status: holds }) => type === 'Established' && holds === 'True');
}
