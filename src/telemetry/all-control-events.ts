import type { ControlEvents } from '../control/control-events.ts';

/**
 * One that tells `first` and then the others. What `first` throws is the caller's; the others hear
 * only of what it took.
 */
export function allControlEvents(
  first: ControlEvents,
  ...others: readonly Partial<ControlEvents>[]
): ControlEvents {
  const tell = (name: keyof ControlEvents) => (event: never) => {
    first[name](event);
    for (const other of others) other[name]?.(event);
  };
  return Object.fromEntries(
    (Object.keys(first) as (keyof ControlEvents)[]).map((name) => [name, tell(name)]),
  ) as unknown as ControlEvents;
}
