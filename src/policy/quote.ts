const LONGEST = 256;
const LISTED_VALUES = 4;
/** Stands for itself between quotes, as nearly all text does. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const UNPRINTABLE = /[^\x20-\x7e]/g;

/** `text` in double quotes, printable. */
export function quote(text: string): string {
  return `"${printable(text)}"`;
}

/** `text` in printable ASCII only, JSON's escapes for the rest, cut to what a log line can carry. */
export function printable(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
  if (PLAIN.test(cut)) return cut;
  return JSON.stringify(cut)
    .slice(1, -1)
    .replace(UNPRINTABLE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** `["a", "b"]`, of a long list only the beginning. */
export function quoteAll(values: readonly string[]): string {
  return `[${listed(values.map(quote), LISTED_VALUES, ', ')}]`;
}

/** The first `limit` of `texts`, and how many more there are. */
export function listed(texts: readonly string[], limit: number, separator: string): string {
  const rest = texts.length - limit;
  if (rest <= 0) return texts.join(separator);
  return `${texts.slice(0, limit).join(separator)} and ${rest} more`;
}
