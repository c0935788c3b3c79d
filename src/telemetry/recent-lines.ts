/** One line of a log. */
export interface RecentLine {
  readonly atMs: number;
  readonly text: string;
}

export interface RecentLinesOptions {
  readonly now: () => number;
  /** Default 5,000. */
  readonly mostLines?: number;
  /** Of all lines together, in characters. Default 1 MiB. */
  readonly mostCharacters?: number;
}

const LONGEST_LINE = 16_384;
const FORGOTTEN_TOGETHER = 1_000;

/** The last lines that a process logged, in bounded memory, for who asks from afar. */
export class RecentLines {
  readonly #options: Required<RecentLinesOptions>;
  /** Those before `#first` are forgotten. */
  #lines: (RecentLine | undefined)[] = [];
  #first = 0;
  #characters = 0;
  readonly #listeners = new Set<(line: RecentLine) => void>();

  constructor({ now, mostLines = 5_000, mostCharacters = 1_048_576 }: RecentLinesOptions) {
    this.#options = { now, mostLines, mostCharacters };
  }

  /** Takes what is written, of which every line ends with a line feed. */
  readonly write = (written: string): void => {
    for (const text of written.split('\n')) if (text !== '') this.#add(text);
  };

  /** Those that are kept, oldest first. */
  list(): readonly RecentLine[] {
    return this.#lines.filter((line) => line !== undefined);
  }

  /** Calls with each line to come, until the returned function is called. */
  subscribe(listener: (line: RecentLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #add(written: string): void {
    const { now, mostLines, mostCharacters } = this.#options;
    const text = written.slice(0, LONGEST_LINE);
    const line = { atMs: now(), text };
    this.#lines.push(line);
    this.#characters += text.length;
    while (this.#lines.length - this.#first > mostLines || this.#characters > mostCharacters) {
      this.#characters -= this.#lines[this.#first]?.text.length ?? 0;
      this.#lines[this.#first] = undefined;
      this.#first += 1;
    }
    // Not for each line: the others are moved.
    if (this.#first >= FORGOTTEN_TOGETHER) {
      this.#lines = this.#lines.slice(this.#first);
      this.#first = 0;
    }
    for (const listener of this.#listeners) listener(line);
  }
}
