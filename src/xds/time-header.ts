const HEADER = 'hauberk-time';
const MILLISECONDS = /^\d{1,15}$/;

/** On a server: each answer says what time it is there. */
export function timeHeader(nowMs: number): Record<string, string> {
  return { [HEADER]: String(nowMs) };
}

/** What time the server said it was, in milliseconds since 1970; undefined when it did not. */
export function serverTimeIn(header: Headers): number | undefined {
  const text = header.get(HEADER) ?? '';
  return MILLISECONDS.test(text) ? Number(text) : undefined;
}
