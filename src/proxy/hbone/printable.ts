const MAX_LENGTH = 512;

/** The text as one line of printable ASCII of at most 512 characters, as a header may carry it. */
export function printable(text: string): string {
  return text
    .slice(0, MAX_LENGTH)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .trim();
}
