type Labels = Readonly<Record<string, string>>;

/** Whether every selector label is present with the same value; no labels select everything. */
export function selects(matchLabels: Labels | undefined, labels: Labels): boolean {
  if (matchLabels === undefined) return true;
  return Object.keys(matchLabels).every((key) => labels[key] === matchLabels[key]);
}
