import { load } from 'koffi';

/** A function of the C library, by its prototype as koffi reads it; looked up at the first call. */
export function libcFunction<Result, Args extends readonly unknown[]>(
  prototype: string,
): (...args: Args) => Result {
  let found: ((...args: Args) => Result) | undefined;
  return (...args) => {
    found ??= load(null).func(prototype) as unknown as (...args: Args) => Result;
    return found(...args);
  };
}
