/** How a command prints: `text` for people, `json` for programs. */
export type OutputFormat = 'text' | 'json';

/** One JSON value, or the lines that `text` makes of it. */
export function print<T>(format: OutputFormat, value: T, text: (value: T) => string): void {
  const out = format === 'json' ? JSON.stringify(value, null, 2) : text(value);
  process.stdout.write(out.endsWith('\n') || out === '' ? out : `${out}\n`);
}

/** Rows under upper-case headings, columns three spaces apart as kubectl prints them. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
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
