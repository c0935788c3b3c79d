import type { Resource } from '../../resources/resource.ts';

const texts = new WeakMap<Resource, Map<string, string>>();

/**
 * A stored object as JSON in one version of its API. Stored objects are frozen and shared, so the text is
 * made once for all lists and watches, and goes with the object.
 */
export function objectJson(resource: Resource, apiVersion: string): string {
  let made = texts.get(resource);
  if (made === undefined) {
    made = new Map();
    texts.set(resource, made);
  }
  const known = made.get(apiVersion);
  if (known !== undefined) return known;
  const text = JSON.stringify(
    resource.apiVersion === apiVersion ? resource : { ...resource, apiVersion },
  );
  made.set(apiVersion, text);
  return text;
}

/** The object in another version of its API; all versions of a kind have one form. */
export function inApiVersion(resource: Resource, apiVersion: string): Resource {
  return resource.apiVersion === apiVersion ? resource : { ...resource, apiVersion };
}
