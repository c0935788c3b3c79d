/** The way from a resource's top to one of its fields: object keys as text, list positions as numbers. */
export type FieldPath = readonly (string | number)[];

const PLAIN_NAME = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;
const PLAIN_KEY = /^[A-Za-z0-9._/-]+$/;
const STEP = /\.?([A-Za-z_$][A-Za-z0-9_$-]*)|\[("(?:[^"\\]|\\.)*")\]|\[([A-Za-z0-9._/-]+)\]/y;

/**
 * The path as Kubernetes writes it: `spec.rules[0].from`, `metadata.labels[app.kubernetes.io/name]`.
 * Keys of no ordinary form are put in JSON quotes, so that every path has a text of its own up to
 * the difference between a list position and a numeric key.
 */
export function fieldOf(path: FieldPath, below = ''): string {
  let text = below;
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (PLAIN_NAME.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${PLAIN_KEY.test(step) ? step : JSON.stringify(step)}]`;
  }
  return text;
}

/** The steps of a field's text, each a key or, where it is all digits, perhaps a list position. */
export function pathOf(field: string): readonly string[] {
  const path: string[] = [];
  STEP.lastIndex = 0;
  for (let match = STEP.exec(field); match !== null; match = STEP.exec(field)) {
    const [, name, quoted, key] = match;
    path.push(name ?? key ?? String(JSON.parse(quoted ?? '""')));
  }
  return path;
}
