/** A line as it is typed on a terminal in raw mode. */
export type HiddenLine =
  | { readonly state: 'typing'; readonly text: string }
  | { readonly state: 'done'; readonly text: string }
  | { readonly state: 'stopped' };

const LONGEST_LINE = 4_096;

/** The line after `typed`: Enter ends it, Backspace takes one character back, Ctrl-C and -D stop. */
export function typeHidden(text: string, typed: string): HiddenLine {
  let line = text;
  for (const character of typed) {
    if (character === '\r' || character === '\n') return { state: 'done', text: line };
    if (character === '\u0003' || character === '\u0004') return { state: 'stopped' };
    if (character === '\u007f' || character === '\b') line = [...line].slice(0, -1).join('');
    else if (line.length < LONGEST_LINE) line += character;
  }
  return { state: 'typing', text: line };
}
