/** A field: its name as it was written, and its value, both as Latin-1 text. */
export type Field = readonly [name: string, value: string];

/** The header fields of a message in their order; names are compared without case. */
export class Fields {
  readonly #names: string[] = [];
  readonly #fields: Field[] = [];

  constructor(fields: Iterable<Field> = []) {
    for (const [name, value] of fields) this.append(name, value);
  }

  get size(): number {
    return this.#fields.length;
  }

  /** All, in order. */
  all(): readonly Field[] {
    return this.#fields;
  }

  append(name: string, value: string): void {
    this.#names.push(name.toLowerCase());
    this.#fields.push([name, value]);
  }

  /** Whether there is one of that lower-case name. */
  has(name: string): boolean {
    return this.#names.includes(name);
  }

  /** The value by a lower-case name, several joined with `,` as Envoy does; undefined where there is none. */
  get(name: string): string | undefined {
    const first = this.#names.indexOf(name);
    if (first < 0) return undefined;
    const next = this.#names.indexOf(name, first + 1);
    return next < 0 ? this.#fields[first]?.[1] : this.values(name).join(',');
  }

  /** Each value by a lower-case name. */
  values(name: string): readonly string[] {
    const found: string[] = [];
    for (let i = this.#names.indexOf(name); i >= 0; i = this.#names.indexOf(name, i + 1)) {
      found.push(this.#fields[i]?.[1] ?? '');
    }
    return found;
  }

  /** Takes away all of that lower-case name. */
  delete(name: string): void {
    for (let i = this.#names.indexOf(name); i >= 0; i = this.#names.indexOf(name, i)) {
      this.#names.splice(i, 1);
      this.#fields.splice(i, 1);
    }
  }

  /** Takes away all whose lower-case name `unwanted` says yes to. */
  deleteWhere(unwanted: (name: string) => boolean): void {
    for (let i = this.#names.length - 1; i >= 0; i -= 1) {
      if (!unwanted(this.#names[i] ?? '')) continue;
      this.#names.splice(i, 1);
      this.#fields.splice(i, 1);
    }
  }

  /** One field of that lower-case name instead of all there were. */
  set(name: string, value: string): void {
    this.delete(name);
    this.append(name, value);
  }
}
