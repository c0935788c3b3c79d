/**
 * Calls back in a later turn of the loop. Node tells of a TLS handshake that is done from inside OpenSSL's reading:
 * microtasks and ticks run there too, and whoever resets the connection in one of them frees what OpenSSL
 * goes on to use, which ends the process.
 */
export function offTheStack(callback: () => void): void {
  setImmediate(callback);
}
