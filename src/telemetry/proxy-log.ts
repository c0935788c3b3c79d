import type { CloseReason, ProxyEvents } from '../proxy/proxy-events.ts';
import type { Logger } from './process-log.ts';

/** Every connection, or only what was refused or failed. */
export type AccessLogMode = 'all' | 'refused';

/** Why connections are closed by us and not by the programs that had them. */
const CUT: ReadonlySet<CloseReason> = new Set([
  ...(['policy-changed', 'revoked', 'untrusted', 'drain-deadline'] as const),
]);

const nothing = (): void => undefined;

/** Writes the proxy's events as structured log lines. */
export function proxyLog(log: Logger, mode: AccessLogMode): ProxyEvents {
  const all = mode === 'all';
  return {
    connectionOpened: all ? (record) => log.info(record, 'connection opened') : nothing,
    connectionClosed: (record) => {
      if (all || CUT.has(record.reason)) log.info(record, 'connection closed');
    },
    connectionDenied: (record) => log.warn(record, 'connection denied'),
    handshakeFailed: (record) => log.warn(record, 'handshake failed'),
    upstreamFailed: (record) => log.warn(record, 'upstream failed'),
    requestEnded: (record) => {
      if (record.verdict !== 'allowed')
        log.warn({ ...record, decision: record.decision }, 'request denied');
      else if (all) log.info({ ...record, decision: record.decision }, 'request');
    },
    httpMalformed: (record) => log.warn(record, 'malformed HTTP refused'),
    sessionOpened: (record) => log.info(record, 'session opened'),
    sessionClosed: (record) => log.info(record, 'session closed'),
    fallbackUsed: (record) => log.warn(record, 'a FallbackPolicy was used'),
    portLearned: (record) => log.info(record, 'learned who speaks first on a port'),
  };
}

/** One that tells several listeners, in order. */
export function allProxyEvents(...listeners: readonly Partial<ProxyEvents>[]): ProxyEvents {
  const tell =
    <Name extends keyof ProxyEvents>(name: Name): ProxyEvents[Name] =>
    (record: never) => {
      for (const listener of listeners) listener[name]?.(record);
    };
  return {
    connectionOpened: tell('connectionOpened'),
    connectionClosed: tell('connectionClosed'),
    connectionDenied: tell('connectionDenied'),
    handshakeFailed: tell('handshakeFailed'),
    upstreamFailed: tell('upstreamFailed'),
    requestEnded: tell('requestEnded'),
    httpMalformed: tell('httpMalformed'),
    sessionOpened: tell('sessionOpened'),
    sessionClosed: tell('sessionClosed'),
    fallbackUsed: tell('fallbackUsed'),
    portLearned: tell('portLearned'),
  };
}
