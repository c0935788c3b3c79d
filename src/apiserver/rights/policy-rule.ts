import { fieldIn } from '../bodies/json-object.ts';
import type { Attributes, PolicyRule } from './authorizer.ts';

/** Reads a rule of a role leniently: what is missing is empty, and so allows nothing. */
export function parsePolicyRule(value: unknown): PolicyRule {
  return {
    verbs: texts(value, 'verbs'),
    apiGroups: texts(value, 'apiGroups'),
    resources: texts(value, 'resources'),
    resourceNames: texts(value, 'resourceNames'),
    nonResourceURLs: texts(value, 'nonResourceURLs'),
  };
}

function texts(value: unknown, key: string): readonly string[] {
  const list = fieldIn(value, key);
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [];
}

/** Whether a rule allows it, as Kubernetes reads rules. */
export function ruleAllows(rule: PolicyRule, asked: Attributes): boolean {
  if (!has(rule.verbs, asked.verb)) return false;
  if (asked.on === 'path') {
    return rule.nonResourceURLs.some((pattern) => pathMatches(pattern, asked.path));
  }
  if (!has(rule.apiGroups, asked.group) || !resourceMatches(rule.resources, asked)) return false;
  return rule.resourceNames.length === 0 || rule.resourceNames.includes(asked.name);
}

function has(list: readonly string[], word: string): boolean {
  return list.includes('*') || list.includes(word);
}

function resourceMatches(
  resources: readonly string[],
  { resource, subresource }: { readonly resource: string; readonly subresource: string },
): boolean {
  const asked = subresource === '' ? resource : `${resource}/${subresource}`;
  return (
    resources.includes('*') ||
    resources.includes(asked) ||
    (subresource !== '' && resources.includes(`*/${subresource}`))
  );
}

function pathMatches(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1));
}

/**
 * The parts of `asked` that `held` do not cover: who may not do something may not hand it on either.
 * Each part is a rule of one verb on one resource or path.
 */
export function uncovered(
  asked: readonly PolicyRule[],
  held: readonly PolicyRule[],
): readonly PolicyRule[] {
  return asked.flatMap(partsOf).filter((part) => !held.some((rule) => covers(rule, part)));
}

const MOST_PARTS = 10_000;

function partsOf(rule: PolicyRule): readonly PolicyRule[] {
  const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
  const names: readonly (readonly string[])[] =
    resourceNames.length === 0 ? [[]] : resourceNames.map((name) => [name]);
  const size = verbs.length * (apiGroups.length * resources.length * names.length + 1);
  // Too much to look at one by one is looked at whole, and so must be covered whole.
  if (size > MOST_PARTS) return [rule];
  const empty = { apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [] };
  return verbs.flatMap((verb) => [
    ...nonResourceURLs.map((url) => ({ ...empty, verbs: [verb], nonResourceURLs: [url] })),
    ...apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        names.map((name) => ({
          ...empty,
          verbs: [verb],
          apiGroups: [group],
          resources: [resource],
          resourceNames: name,
        })),
      ),
    ),
  ]);
}

function covers(held: PolicyRule, part: PolicyRule): boolean {
  if (!part.verbs.every((verb) => has(held.verbs, verb))) return false;
  const urls = part.nonResourceURLs.every((url) =>
    held.nonResourceURLs.some((pattern) => pathMatches(pattern, url)),
  );
  if (!urls) return false;
  if (part.resources.length === 0) return true;
  return (
    part.apiGroups.every((group) => has(held.apiGroups, group)) &&
    part.resources.every((resource) => coversResource(held.resources, resource)) &&
    (held.resourceNames.length === 0 ||
      (part.resourceNames.length > 0 &&
        part.resourceNames.every((name) => held.resourceNames.includes(name))))
  );
}

function coversResource(held: readonly string[], resource: string): boolean {
  const [, subresource] = resource.split('/');
  return (
    held.includes('*') ||
    held.includes(resource) ||
    (subresource !== undefined && held.includes(`*/${subresource}`))
  );
}

/** The rule as messages show it. */
export function ruleText({
  verbs,
  apiGroups,
  resources,
  resourceNames,
  nonResourceURLs,
}: PolicyRule): string {
  const part = (name: string, list: readonly string[]): string[] =>
    list.length === 0 ? [] : [`${name}:${JSON.stringify(list)}`];
  return `{${[
    ...part('APIGroups', apiGroups),
    ...part('Resources', resources),
    ...part('ResourceNames', resourceNames),
    ...part('NonResourceURLs', nonResourceURLs),
    ...part('Verbs', verbs),
  ].join(', ')}}`;
}
