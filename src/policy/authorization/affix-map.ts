/** Values of affixes of one length. */
interface OfLength<T> {
  readonly length: number;
  readonly values: Map<string, T>;
  /** What all of them begin with. */
  common: string;
}

/**
 * Values by what texts begin or end with. A text is looked up once for each length that occurs, and only
 * where it has what all affixes of that length share, however many values there are.
 */
export class AffixMap<T> {
  readonly #end: 'start' | 'end';
  readonly #lengths: OfLength<T>[] = [];

  constructor(end: 'start' | 'end') {
    this.#end = end;
  }

  get isEmpty(): boolean {
    return this.#lengths.length === 0;
  }

  set(affix: string, value: T): void {
    const { length } = affix;
    let ofLength = this.#lengths.find((each) => each.length === length);
    if (ofLength === undefined) {
      ofLength = { length, values: new Map(), common: affix };
      this.#lengths.push(ofLength);
    }
    ofLength.common = sharedStart(ofLength.common, affix);
    ofLength.values.set(affix, value);
  }

  /** Calls `found` with each value whose affix `text` has, until that gives true. */
  some(text: string, found: (value: T) => boolean): boolean {
    for (const { length, values, common } of this.#lengths) {
      const start = this.#end === 'start' ? 0 : text.length - length;
      if (length > text.length || !text.startsWith(common, start)) continue;
      const value = values.get(text.slice(start, start + length));
      if (value !== undefined && found(value)) return true;
    }
    return false;
  }
}

function sharedStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return a.slice(0, length);
}
