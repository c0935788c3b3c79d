/** A question about one piece of text, compiled once and asked often. */
export type TextMatch = (text: string) => boolean;

/**
 * Matches any of `values` in the forms of istio-semantics 3.5, tested in this order: `*` any text
 * that is not empty, `*abc` suffix, `abc*` prefix, else exact. Only one position is a wildcard: the
 * rest of the value is literal, other stars included.
 */
export function anyWildcardMatch(values: readonly string[]): TextMatch {
  const exact = new Set<string>();
  const prefixes: string[] = [];
  const suffixes: string[] = [];
  let anything = false;
  for (const value of values) {
    if (value === '*') anything = true;
    else if (value.startsWith('*')) suffixes.push(value.slice(1));
    else if (value.endsWith('*')) prefixes.push(value.slice(0, -1));
    else exact.add(value);
  }
  return (text) => {
    if (anything && text !== '') return true;
    if (exact.has(text)) return true;
    for (const prefix of prefixes) if (text.startsWith(prefix)) return true;
    for (const suffix of suffixes) if (text.endsWith(suffix)) return true;
    return false;
  };
}

/**
 * Matches the whole text against a pattern in which each `*` stands for any text, empty too. Goes
 * through the text once, leftmost part first, so that no pattern makes it slow.
 */
export function globMatch(pattern: string): TextMatch {
  const parts = pattern.split('*');
  if (parts.length === 1) return (text) => text === pattern;
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  const middle = parts.slice(1, -1).filter((part) => part !== '');
  return (text) => {
    if (!text.startsWith(first)) return false;
    let at = first.length;
    for (const part of middle) {
      const found = text.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return text.length - at >= last.length && text.endsWith(last);
  };
}
