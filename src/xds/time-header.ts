import type { Interceptor } from '@connectrpc/connect';

const HEADER = 'hauberk-time';
const MILLISECONDS = /^\d{1,15}$/;

/** On a server: each answer says what time it is there. */
export function tellTime(now: () => number): Interceptor {
  return (next) => async (request) => {
    const response = await next(request);
    response.header.set(HEADER, String(now()));
    return response;
  };
}

/** What time the server said it was, in milliseconds since 1970; undefined when it did not. */
export function serverTimeIn(header: Headers): number | undefined {
  const text = header.get(HEADER) ?? '';
  return MILLISECONDS.test(text) ? Number(text) : undefined;
}
