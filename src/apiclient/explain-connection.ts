import { X509Certificate } from 'node:crypto';
import { MeshError, messageOf } from '../lib/errors.ts';
import type { ApiAccess } from './api-access.ts';

/** Codes of Node's TLS for chains that do not end at a trusted root. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
]);

/** Why the server could not be asked, and what to do about it. */
export function connectionError(error: unknown, { server, source }: ApiAccess): MeshError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const at = server.origin;
  return new MeshError('ERR_UNREACHABLE', sentence(), { cause: error });

  function sentence(): string {
    if (code === 'ECONNREFUSED') {
      return `no control plane answers at ${at}, which ${source} names; start it with \`hauberk up\`, or name another with --kubeconfig or --data-dir`;
    }
    if (UNTRUSTED.has(code)) {
      return `the certificate of ${at} is not of the CA in ${source}: that file is of another mesh, or older than the root that the mesh has now; copy the kubeconfig of the control plane's data directory again`;
    }
    if (code === 'CERT_HAS_EXPIRED') {
      return `the certificate of ${at} has expired, or the clock of this machine is wrong (${new Date().toISOString()})`;
    }
    if (code === 'CERT_NOT_YET_VALID') {
      return `the certificate of ${at} is not valid yet: the clock of this machine is wrong (${new Date().toISOString()})`;
    }
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
      return `${at} shows a certificate with other names than its address; start the control plane with --api-listen at that address, or set tls-server-name in ${source}`;
    }
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
      return `the host of ${at}, which ${source} names, is not known: ${code}`;
    }
    return `${at} cannot be asked: ${code === '' ? messageOf(error) : code}`;
  }
}

/** What is wrong with the client certificate that a server does not accept, if that can be seen here. */
export function credentialProblem(
  { credentials, source }: ApiAccess,
  nowMs: number,
): string | undefined {
  if (credentials.by === 'nothing') {
    return `${source} has no client certificate and no token, and the server asks for one`;
  }
  if (credentials.by === 'token') {
    return `the token in ${source} is not accepted: it has expired, or its service account is gone; make a new one with kubectl create token`;
  }
  const { validFromDate, validToDate } = new X509Certificate(credentials.cert);
  const again = 'copy the kubeconfig of the control plane’s data directory again';
  if (validToDate.getTime() <= nowMs) {
    return `the client certificate in ${source} has expired at ${validToDate.toISOString()}; ${again}`;
  }
  if (validFromDate.getTime() > nowMs) {
    return `the client certificate in ${source} is good from ${validFromDate.toISOString()} on: is the clock of this machine right?`;
  }
  return `the client certificate in ${source} is not accepted: the CA of API clients has been replaced; ${again}`;
}
