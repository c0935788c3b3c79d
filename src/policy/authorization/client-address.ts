import { parseIp } from '../parse-ip.ts';

/**
 * The address of the client by X-Forwarded-For, of which the last `numTrustedProxies` elements were
 * added by proxies that are trusted, and the one before them names the client. The peer itself where
 * the header is missing, too short or not an address there.
 */
export function clientAddress(
  forwardedFor: string | undefined,
  peer: string,
  numTrustedProxies: number,
): string {
  if (forwardedFor === undefined) return peer;
  let end = forwardedFor.length;
  for (let skipped = 0; skipped < numTrustedProxies; skipped += 1) {
    end = forwardedFor.lastIndexOf(',', end - 1);
    if (end <= 0) return peer;
  }
  const start = forwardedFor.lastIndexOf(',', end - 1) + 1;
  const address = forwardedFor.slice(start, end).trim();
  return parseIp(address) === undefined ? peer : address;
}
