import type { ApiResource, Discovery } from '../../apiclient/discovery.ts';
import { MeshError } from '../../lib/errors.ts';

/** What a command is about: a kind as a whole, or one object of it. */
export interface ResourceTarget {
  readonly resource: ApiResource;
  readonly name: string | undefined;
}

/**
 * Reads kubectl's ways to name objects: `TYPE`, `TYPE NAME…`, `TYPE1,TYPE2`, `TYPE/NAME…`, and
 * categories such as `all`.
 *
 * @throws {MeshError} ERR_USAGE.
 */
export function resourceTargets(
  words: readonly string[],
  discovery: Discovery,
): readonly ResourceTarget[] {
  const [types = '', ...names] = words;
  if (types === '') {
    throw new MeshError(
      'ERR_USAGE',
      'name a type of resource, such as peerauthentications, or -f FILE; see hauberk api-resources',
    );
  }
  if (words.some((word) => word.includes('/'))) {
    return words.map((word) => {
      const [type = '', name = '', ...more] = word.split('/');
      if (type !== '' && name !== '' && more.length === 0 && !type.includes(',')) {
        return { resource: discovery.require(type), name };
      }
      throw new MeshError(
        'ERR_USAGE',
        `"${word}" stands beside TYPE/NAME arguments and is none; write all of them as TYPE/NAME`,
      );
    });
  }
  const resources = types.split(',').flatMap((type) => {
    const members = discovery.inCategory(type.toLowerCase());
    return members.length > 0 ? members : [discovery.require(type)];
  });
  const unique = [...new Set(resources)];
  if (names.length === 0) return unique.map((resource) => ({ resource, name: undefined }));
  return unique.flatMap((resource) => names.map((name) => ({ resource, name })));
}
