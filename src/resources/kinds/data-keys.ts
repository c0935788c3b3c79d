const LONGEST_KEY = 253;
const KEY = /^[-._A-Za-z0-9]+$/;

/** What is wrong with a key of a Secret's or ConfigMap's data, which may become the name of a file. */
export function dataKeyProblem(key: string): string | undefined {
  return key.length > LONGEST_KEY || !KEY.test(key) || key === '.' || key.startsWith('..')
    ? `a key has up to ${LONGEST_KEY} letters, digits, "-", "_" and ".", and does not begin with ".."`
    : undefined;
}

/** How many values there are in such data. */
export function dataSize(data: unknown): number {
  return typeof data === 'object' && data !== null ? Object.keys(data).length : 0;
}
