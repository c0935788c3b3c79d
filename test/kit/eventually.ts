/** Resolves when `condition` holds; fails after `withinMs` (default 30 s) with what it is about. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs: number = 30_000,
): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
