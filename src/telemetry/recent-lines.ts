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

/** The last lines that a process logged, in bounded memory, for who asks from afar. */
export class RecentLines {
  readonly #options: Required<RecentLinesOptions>;
  #lines: RecentLine[] = [];
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
    return [...this.#lines];
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
    let gone = 0;
    while (this.#lines.length - gone > mostLines || this.#characters > mostCharacters) {
      this.#characters -= this.#lines[gone]?.text.length ?? 0;
      gone += 1;
    }
    // Cut in larger pieces: one by one would move all the others each time.
    if (gone > 0) this.#lines = this.#lines.slice(gone);
    for (const listener of this.#listeners) listener(line);
  }
}
