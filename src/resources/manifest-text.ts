/** More than any manifest that people write; a file beyond it is some other file. */
const MAX_MANIFEST_BYTES = 1024 * 1024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Why `text` is not looked at as a manifest at all: size, or binary content; undefined when it is. */
export function textProblem(
  text: string,
): { readonly line: number; readonly message: string } | undefined {
  const bytes = text.length > MAX_MANIFEST_BYTES ? text.length : utf8Length(text);
  if (bytes > MAX_MANIFEST_BYTES) {
    return {
      line: 1,
      message: `has ${bytes} bytes; a manifest has at most ${MAX_MANIFEST_BYTES}, so split it into several files`,
    };
  }
  const control = CONTROL.exec(text);
  if (control === null) return undefined;
  const line = text.slice(0, control.index).split('\n').length;
  const code = control[0].charCodeAt(0);
  if (code === 0) return { line, message: 'has a NUL byte; this is a binary file, not a manifest' };
  const shown = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return { line, message: `has the control character ${shown}; write it as an escape in quotes` };
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
