import { MeshError } from './errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/**
 * Milliseconds of a duration in Go's notation, with days: `10s`, `1h30m`, `24h`, `90d`, `500ms`.
 *
 * @throws {MeshError} ERR_USAGE quoting the text.
 */
export function parseDuration(text: string): number {
  if (text.length > 64 || !WHOLE.test(text)) {
    throw new MeshError(
      'ERR_USAGE',
      `"${text.slice(0, 64)}" is not a duration; write for example 10s, 1h30m or 24h`,
    );
  }
  let ms = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(PART))
    ms += Number(amount) * (UNIT_MS[unit] ?? 0);
  return ms;
}

/** The shortest reading of `ms` in at most two units: `9s`, `1h30m`, `364d23h`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const parts: string[] = [];
  let rest = Math.floor(ms / 1_000) * 1_000;
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = UNIT_MS[unit] ?? 1;
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join('');
}
