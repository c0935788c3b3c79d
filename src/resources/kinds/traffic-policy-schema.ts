import { type Static, Type } from 'typebox';
import {
  duration,
  flag,
  int32,
  list,
  nullable,
  real,
  text,
  texts,
  uint32,
  word,
} from '../fields.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed } from '../schema.ts';
import { connectionPoolSchema } from './connection-pool-schema.ts';
import { loadBalancerSchema } from './load-balancer-schema.ts';
import { TLS_VERSIONS } from './tls-words.ts';

const outlierDetection = lazy(() =>
  closed(
    {
      splitExternalLocalOriginErrors: flag(
        'Whether failures to connect count apart from answers with errors.',
      ),
      consecutiveLocalOriginFailures: uint32('Failures to connect in a row.', nullable),
      consecutiveGatewayErrors: uint32('Answers 502, 503 or 504 in a row.', nullable),
      consecutive5xxErrors: uint32('Answers of 500 and above in a row.', nullable),
      consecutiveErrors: int32('Replaced by `consecutive5xxErrors`.'),
      interval: duration('The time between two looks.'),
      baseEjectionTime: duration('How long an endpoint is left out, times how often it was.'),
      maxEjectionPercent: int32('Share of the endpoints that may be left out.'),
      minHealthPercent: int32('Share of healthy endpoints below which none is left out.'),
      outlierDetectionHttpErrorCodes: list(
        Type.Integer({ minimum: 100, maximum: 599 }),
        'Codes that count as errors.',
      ),
    },
    'When an endpoint that fails is left out for a while.',
  ),
);

const clientTls = lazy(() =>
  closed(
    {
      mode: word(
        ['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'],
        'DISABLE speaks plaintext, SIMPLE checks the server, MUTUAL also shows a certificate of your own, ISTIO_MUTUAL the one of the workload; DISABLE where it is left out.',
      ),
      clientCertificate: text('File with the certificate to show, for MUTUAL.'),
      privateKey: text('File with its private key, for MUTUAL.'),
      caCertificates: text('File with the authorities that the server may be signed by.'),
      credentialName: text('Secret with certificate, key and authorities, in place of files.'),
      subjectAltNames: texts('Names of which the certificate of the server must have one.'),
      sni: text('Server name to ask for in the handshake.'),
      insecureSkipVerify: flag('Accepts any certificate of the server.', nullable),
      caCrl: text('File with the certificates that were revoked.'),
      cipherSuites: texts('Cipher suites for TLS 1.2, by their OpenSSL names. Not in Istio.'),
      minProtocolVersion: word([...TLS_VERSIONS], 'Lowest TLS version. Not in Istio.'),
      maxProtocolVersion: word([...TLS_VERSIONS], 'Highest TLS version. Not in Istio.'),
    },
    'How the destination is spoken to by TLS.',
  ),
);

const shared = lazy(() => ({
  loadBalancer: Type.Optional(loadBalancerSchema()),
  connectionPool: Type.Optional(connectionPoolSchema()),
  outlierDetection: Type.Optional(outlierDetection()),
  tls: Type.Optional(clientTls()),
}));

const portTrafficPolicy = lazy(() =>
  closed(
    {
      port: Type.Optional(
        closed({ number: uint32('Port of the Service.') }, 'The port that is meant.'),
      ),
      ...shared(),
    },
    'What holds of one port, in place of the policy above it.',
  ),
);

/** Istio's TrafficPolicy: how calls to a destination are made. */
export const trafficPolicySchema = lazy(() =>
  closed(
    {
      ...shared(),
      portLevelSettings: list(portTrafficPolicy(), 'Exceptions by port of the Service.', {
        maxItems: 4096,
      }),
      tunnel: Type.Optional(
        closed(
          {
            protocol: text('`CONNECT` or `POST`; CONNECT where it is left out.'),
            targetHost: Type.String({ description: 'Host at the end of the tunnel.' }),
            targetPort: Type.Integer({
              minimum: 0,
              maximum: 4_294_967_295,
              description: 'Port at the end of the tunnel.',
            }),
          },
          'TCP through an HTTP proxy.',
        ),
      ),
      proxyProtocol: Type.Optional(
        closed(
          { version: word(['V1', 'V2'], 'Version of the header; V1 where it is left out.') },
          'A PROXY protocol header before the first byte.',
        ),
      ),
      retryBudget: Type.Optional(
        closed(
          {
            percent: real('Retries for each hundred requests under way.', {
              minimum: 0,
              maximum: 100,
              ...nullable,
            }),
            budgetInterval: text('The time over which requests are counted.'),
            minRetryConcurrency: uint32('Retries that are always allowed.'),
          },
          'How many requests may be retries.',
        ),
      ),
    },
    'How calls to the destination are made.',
  ),
);

/** How calls to a destination are made. */
export type TrafficPolicy = Immutable<Static<ReturnType<typeof trafficPolicySchema>>>;
/** How it is spoken to by TLS. */
export type ClientTls = Immutable<Static<ReturnType<typeof clientTls>>>;
