const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
]);
const WHOLE = /^[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/;
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g;
const LONGEST = 64;

/**
 * Milliseconds of a duration as Go writes it, which is how Kubernetes' and Istio's resources do:
 * `1h30m`, `1.5s`, `0`; no days. Undefined when it is none.
 */
export function parseGoDuration(text: string): number | undefined {
  if (/^[-+]?0$/.test(text)) return 0;
  if (text.length > LONGEST || !WHOLE.test(text)) return undefined;
  let ms = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(PART))
    ms += Number(amount) * (UNIT_MS.get(unit) ?? 0);
  return text.startsWith('-') ? -ms : ms;
}
