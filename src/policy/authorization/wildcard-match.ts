import { AffixMap } from './affix-map.ts';

/** A question about one piece of text, compiled once and asked often. */
export type TextMatch = (text: string) => boolean;

/**
 * Matches any of `values` in the forms of istio-semantics 3.5, tested in this order: `*` any text
 * that is not empty, `*abc` suffix, `abc*` prefix, else exact. Only one position is a wildcard: the
 * rest of the value is literal, other stars included.
 */
export function anyWildcardMatch(values: readonly string[]): TextMatch {
  const [only] = values;
  if (values.length === 1 && only !== undefined) return wildcardMatch(only);
  const exact = new Set(values.filter((value) => !value.startsWith('*') && !value.endsWith('*')));
  const anything = values.includes('*');
  if (exact.size === values.length) return (text) => exact.has(text);
  const wild = values.filter((value) => value !== '*' && !exact.has(value));
  const prefixes = new AffixMap<true>('start');
  const suffixes = new AffixMap<true>('end');
  for (const value of wild) {
    if (value.startsWith('*')) suffixes.set(value.slice(1), true);
    else prefixes.set(value.slice(0, -1), true);
  }
  return (text) =>
    (anything && text !== '') ||
    exact.has(text) ||
    (!prefixes.isEmpty && prefixes.some(text, found)) ||
    (!suffixes.isEmpty && suffixes.some(text, found));
}

/** One value, as most lists have: nothing to be looked up. */
function wildcardMatch(value: string): TextMatch {
  if (value === '*') return (text) => text !== '';
  if (value.startsWith('*')) {
    const suffix = value.slice(1);
    return (text) => text.endsWith(suffix);
  }
  if (value.endsWith('*')) {
    const prefix = value.slice(0, -1);
    return (text) => text.startsWith(prefix);
  }
  return (text) => text === value;
}

function found(): boolean {
  return true;
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
