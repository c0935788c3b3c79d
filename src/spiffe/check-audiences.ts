import { MeshError } from '../lib/errors.ts';

const MOST_AUDIENCES = 16;
const LONGEST_AUDIENCE = 512;

/**
 * Bounds whom one token can be for: 1 to 16 names of 1 to 512 characters.
 *
 * @throws {MeshError} ERR_USAGE.
 */
export function checkAudiences(audiences: readonly string[]): void {
  const good = audiences.every((each) => each !== '' && each.length <= LONGEST_AUDIENCE);
  if (good && audiences.length > 0 && audiences.length <= MOST_AUDIENCES) return;
  throw new MeshError(
    'ERR_USAGE',
    `a token is for 1 to ${MOST_AUDIENCES} audiences of 1 to ${LONGEST_AUDIENCE} characters`,
  );
}
