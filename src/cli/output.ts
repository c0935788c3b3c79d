/** How a command prints: `text` for people, `json` for programs. */
export type OutputFormat = 'text' | 'json';

/** One JSON value, or the lines that `text` makes of it. */
export function print<T>(format: OutputFormat, value: T, text: (value: T) => string): void {
  const out = format === 'json' ? JSON.stringify(value, null, 2) : text(value);
  process.stdout.write(out.endsWith('\n') || out === '' ? out : `${out}\n`);
}

/** Rows under upper-case headings, where there are any, columns three spaces apart as kubectl prints them. */
export function table(
  headings: readonly string[] | undefined,
  rows: readonly (readonly string[])[],
): string {
  const all = headings === undefined ? rows : [headings, ...rows];
  const widths = (all[0] ?? []).map((_, column) =>
    all.reduce((widest, row) => Math.max(widest, (row[column] ?? '').length), 0),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}
