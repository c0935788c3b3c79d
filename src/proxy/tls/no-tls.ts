import type { TlsFacts } from '../proxy-events.ts';

/** Of a connection that this proxy speaks no TLS on. */
export const NO_TLS: TlsFacts = { tlsVersion: undefined, cipher: undefined, keyExchange: null };
