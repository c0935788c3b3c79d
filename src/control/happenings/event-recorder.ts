import type { ResourceKey } from '../../resources/resource.ts';

/** Something that happened to an object, for people who look at that object. */
export interface Happening {
  /** What it happened to, its kind qualified as in every key; it need not exist. */
  readonly about: ResourceKey;
  readonly type: 'Normal' | 'Warning';
  /** Why, as one word in CamelCase: `Issued`. */
  readonly reason: string;
  /** For people, without secrets. Above 1,024 characters the end is cut off. */
  readonly message: string;
  /** Who noticed: `hauberk.dev/signing`. */
  readonly component: string;
  /**
   * Which happenings count as the same one again, beside what it is about, its reason and who noticed.
   * Default: the message. Give one where messages differ in times and numbers only.
   */
  readonly series?: string;
}

/** Takes down what `kubectl events` shows. */
export interface EventRecorder {
  /** Never throws and never waits: what cannot be taken down is dropped. */
  record(happening: Happening): void;
}
