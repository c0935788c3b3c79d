/** The decision on a connection that is let in because each of its requests is judged by itself. */
export const JUDGED_BY_REQUEST = 'each request is judged';
