/** Colours on a terminal that wants them, plain text everywhere else. */
export interface Style {
  good(text: string): string;
  bad(text: string): string;
  strong(text: string): string;
}

const plain: Style = { good: (text) => text, bad: (text) => text, strong: (text) => text };

const coloured: Style = {
  good: (text) => `\x1b[32m${text}\x1b[39m`,
  bad: (text) => `\x1b[31m${text}\x1b[39m`,
  strong: (text) => `\x1b[1m${text}\x1b[22m`,
};

/** Follows https://no-color.org. */
export function styleFor(stream: { readonly isTTY?: boolean }): Style {
  return stream.isTTY === true && !process.env['NO_COLOR'] ? coloured : plain;
}
