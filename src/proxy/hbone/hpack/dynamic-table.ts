import type { HeaderField } from './static-table.ts';

/** What a field counts besides its text (RFC 7541, 4.1). */
const FIELD_OVERHEAD_BYTES = 32;

/** The size of a field as tables and header lists count it. */
export function fieldBytes([name, value]: HeaderField): number {
  return name.length + value.length + FIELD_OVERHEAD_BYTES;
}

/** The fields that were seen before, newest first, of a bounded size (RFC 7541, 2.3.2). */
export class DynamicTable {
  #fields: HeaderField[] = [];
  #bytes = 0;
  #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#fields.length;
  }

  /** The field at `index`, 0 being the newest. */
  at(index: number): HeaderField | undefined {
    return this.#fields[index];
  }

  /** Older fields give way; one that is larger than the table only empties it. */
  add(field: HeaderField): void {
    const bytes = fieldBytes(field);
    this.#evict(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    this.#fields.unshift(field);
    this.#bytes += bytes;
  }

  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evict(maxBytes);
  }

  #evict(untilBytes: number): void {
    while (this.#bytes > Math.max(untilBytes, 0)) {
      const oldest = this.#fields.pop();
      if (oldest === undefined) return;
      this.#bytes -= fieldBytes(oldest);
    }
  }
}
