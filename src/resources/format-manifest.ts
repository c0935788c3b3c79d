import { stringify } from 'yaml';
import type { Resource } from './resource.ts';

/**
 * The resources as YAML, one document each, which `parseManifest` and kubectl both read back as the
 * same: text that one of them would take for a number, boolean or date is put in quotes.
 */
export function formatManifest(resources: readonly Resource[]): string {
  return resources
    .map((resource) =>
      // YAML 1.1 is what kubectl reads. A resource that holds one object twice must not gain anchors.
      stringify(resource, { version: '1.1', aliasDuplicateObjects: false, lineWidth: 0 }),
    )
    .join('---\n');
}
