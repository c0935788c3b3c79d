import { X509Certificate } from 'node:crypto';
import { messageOf } from '../../lib/errors.ts';

const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Why no server should use the certificates in `pem`: not one, not yet valid, expired. */
export function certificateProblem(pem: string, nowMs: number = Date.now()): string | undefined {
  const found = pem.match(PEM) ?? [];
  if (found.length === 0) return 'it has no certificate';
  for (const text of found) {
    const problem = problemOf(text, nowMs);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function problemOf(text: string, nowMs: number): string | undefined {
  try {
    const { validFromDate, validToDate } = new X509Certificate(text);
    if (validFromDate.getTime() > nowMs) {
      return `its certificate is not valid before ${validFromDate.toISOString()}`;
    }
    return validToDate.getTime() < nowMs
      ? `its certificate expired at ${validToDate.toISOString()}`
      : undefined;
  } catch (error) {
    return `its certificate cannot be read: ${messageOf(error)}`;
  }
}
