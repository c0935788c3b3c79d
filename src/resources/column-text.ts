import { compileJsonPath } from './json-path.ts';
import type { Column } from './kind-definition.ts';
import type { Resource } from './resource.ts';

/**
 * What a column says of resources, as text: empty where there is nothing, JSON where there are
 * several values or objects. A date stays as it is, in RFC 3339.
 */
export function columnText(column: Column): (resource: Resource) => string {
  const path = column.cell === undefined ? compileJsonPath(column.jsonPath) : undefined;
  return (resource) => {
    if (column.cell !== undefined) return String(column.cell(resource) ?? '');
    const found = (path?.(resource) ?? []).filter((value) => value !== undefined && value !== null);
    const [first] = found;
    if (first === undefined) return '';
    const value = found.length === 1 ? first : found;
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  };
}
