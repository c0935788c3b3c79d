import { connect } from 'node:tls';
import { messageOf } from '../../lib/errors.ts';
import type { Identity } from '../../spiffe/identity.ts';
import { encodePem } from '../../x509/pem.ts';

const HANDSHAKE_MS = 5_000;

/** Where a program is to serve the certificate. */
export interface TlsAddress {
  readonly host: string;
  readonly port: number;
}

/** What a program serves: the serial in lower-case hex, or why no handshake came about. */
export type Served = { readonly serial: string } | { readonly reason: string };

/** Does a TLS handshake, showing `identity` if it is asked for a certificate, and looks whose it gets. */
export function servedCertificate({ host, port }: TlsAddress, { svid }: Identity): Promise<Served> {
  return new Promise((resolve) => {
    const socket = connect({
      ...{ host, port },
      key: svid.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      cert: svid.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
      // Only the serial is looked at, nothing is sent.
      rejectUnauthorized: false,
    });
    const end = (served: Served): void => {
      socket.destroy();
      resolve(served);
    };
    socket.setTimeout(HANDSHAKE_MS, () => end({ reason: 'no TLS handshake in time' }));
    socket.once('error', (error) => end({ reason: messageOf(error) }));
    socket.once('close', () => end({ reason: 'the connection was closed' }));
    socket.once('secureConnect', () => {
      const { serialNumber } = socket.getPeerCertificate();
      if (serialNumber === undefined) return end({ reason: 'it shows no certificate' });
      end({ serial: serialNumber.toLowerCase() });
    });
  });
}
