import { MeshError } from '../lib/errors.ts';

/**
 * The URL of a bundle endpoint (SPIFFE_Federation 5.2): https, without user information or fragment.
 *
 * @throws {MeshError} ERR_USAGE quoting the text.
 */
export function bundleEndpointUrl(text: string, base?: URL): URL {
  const shown = JSON.stringify(text.slice(0, 300));
  let url: URL;
  try {
    url = new URL(text, base);
  } catch (cause) {
    throw new MeshError('ERR_USAGE', `${shown} is not a URL`, { cause });
  }
  const problem =
    url.protocol !== 'https:'
      ? 'must begin with https://'
      : url.username !== '' || url.password !== ''
        ? 'must not carry a user or password'
        : url.hash !== ''
          ? 'must not have a fragment'
          : undefined;
  if (problem !== undefined) throw new MeshError('ERR_USAGE', `the URL ${shown} ${problem}`);
  return url;
}
