/** A Markdown table in columns of even width, names to the left and numbers to the right. */
export function alignedTable(
  head: readonly string[],
  body: readonly (readonly string[])[],
): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...body].map((cells) => (cells[column] ?? '').length)),
  );
  const pad = (text: string, column: number): string => {
    const width = widths[column] ?? 0;
    return column === 0 ? text.padEnd(width) : text.padStart(width);
  };
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  const rows = [head.map(pad), rule, ...body.map((cells) => cells.map(pad))];
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
