import type { RecordedDenial } from '../policy/questions/recorded-denial.ts';

/** Beyond, the oldest go. */
const MOST = 1_024;
const LONGEST_TEXT = 1_024;

/** Requests that were refused and wait to be told, each by itself. Bounded; what was told is forgotten. */
export class DenialQueue {
  #denials: RecordedDenial[] = [];

  add(denial: RecordedDenial): void {
    this.#denials.push(withBounds(denial));
    if (this.#denials.length > MOST) this.#denials.shift();
  }

  /** At most `most` of them, oldest first. */
  take(most: number): readonly RecordedDenial[] {
    return this.#denials.splice(0, most);
  }

  /** What could not be told after all; what came since goes before it when there is too much. */
  putBack(denials: readonly RecordedDenial[]): void {
    this.#denials = [...denials, ...this.#denials].slice(-MOST);
  }
}

function withBounds(denial: RecordedDenial): RecordedDenial {
  const { requestId, principal, method, path, host, decision } = denial;
  const cut = (text: string) => text.slice(0, LONGEST_TEXT);
  return {
    ...denial,
    ...{ requestId: cut(requestId), principal: cut(principal), method: cut(method) },
    ...{ path: cut(path), host: cut(host), decision: cut(decision) },
  };
}
