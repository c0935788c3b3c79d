import { MeshError } from '../../lib/errors.ts';
import { parseIpBlock } from '../../policy/ip-block.ts';

const RANGE = /^(\d{1,5})(?:-(\d{1,5}))?$/;
const LARGEST_PORT = 65_535;
const MAX_ENTRIES = 256;

/** `80,443,8000-8100`. @throws {MeshError} ERR_USAGE quoting the text. */
export function parsePortRanges(
  text: string,
): readonly { readonly first: number; readonly last: number }[] {
  return entriesOf(text).map((entry) => {
    const [, low, high = low] = RANGE.exec(entry) ?? [];
    const [first, last] = [Number(low), Number(high)];
    if (first >= 1 && last <= LARGEST_PORT && first <= last) return { first, last };
    throw new MeshError('ERR_USAGE', `"${entry}" is no port; write for example 80,443,8000-8100`);
  });
}

/** `10.0.0.0/8,fd00::/8`; single addresses too. @throws {MeshError} ERR_USAGE quoting the text. */
export function parseCidrs(text: string): readonly string[] {
  return entriesOf(text).map((entry) => {
    if (parseIpBlock(entry) !== undefined) return entry;
    throw new MeshError(
      'ERR_USAGE',
      `"${entry}" is no address range; write for example 10.0.0.0/8`,
    );
  });
}

/** `http:8080,9090`: ports of the workload, some with the name that a targetPort may use. */
export function parseNamedPorts(
  text: string,
): readonly { readonly name: string; readonly port: number }[] {
  return entriesOf(text).map((entry) => {
    const [, name, digits] =
      /^(?:([a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?):)?(\d{1,5})$/.exec(entry) ?? [];
    const port = Number(digits);
    if (port >= 1 && port <= LARGEST_PORT) return { name: name ?? `port-${port}`, port };
    throw new MeshError('ERR_USAGE', `"${entry}" is no port; write for example http:8080,9090`);
  });
}

/** One port. @throws {MeshError} ERR_USAGE quoting the text. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= LARGEST_PORT) return port;
  throw new MeshError('ERR_USAGE', `"${text}" is not a port`);
}

function entriesOf(text: string): readonly string[] {
  const entries = text.split(',').map((entry) => entry.trim());
  if (entries.length <= MAX_ENTRIES) return entries;
  throw new MeshError('ERR_USAGE', `more than ${MAX_ENTRIES} entries in one list`);
}
