import { Type } from 'typebox';
import { duration, flag, int32, uint32, word } from '../fields.ts';
import { lazy } from '../lazy.ts';
import { closed } from '../schema.ts';

/** Istio's ConnectionPoolSettings: bounds on connections and requests to one destination. */
export const connectionPoolSchema = lazy(() =>
  closed(
    {
      tcp: Type.Optional(
        closed(
          {
            maxConnections: int32('Connections at a time.'),
            connectTimeout: duration('How long connecting may take.'),
            idleTimeout: Type.Optional(
              Type.String({ description: 'How long a connection may be silent; `0s` for ever.' }),
            ),
            maxConnectionDuration: duration('How old a connection may become.'),
            tcpKeepalive: Type.Optional(
              closed(
                {
                  probes: uint32('Unanswered probes after which the connection is dead.'),
                  time: duration('How long it must be idle before the first probe.'),
                  interval: duration('The time between two probes.'),
                },
                'Probes of the kernel that find dead peers.',
              ),
            ),
          },
          'What holds of every connection.',
        ),
      ),
      http: Type.Optional(
        closed(
          {
            http1MaxPendingRequests: int32('Requests that may wait for a connection.'),
            http2MaxRequests: int32('Requests under way at a time.'),
            maxRequestsPerConnection: int32(
              'Requests after which a connection is closed; 0: never.',
            ),
            maxRetries: int32('Retries under way at a time.'),
            idleTimeout: duration('How long a connection may be without requests.'),
            maxConcurrentStreams: int32('Streams at a time on one HTTP/2 connection.'),
            h2UpgradePolicy: word(
              ['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE'],
              'Whether HTTP/1.1 requests travel over HTTP/2.',
            ),
            useClientProtocol: flag(
              'Whether the destination is spoken to in the version of the caller.',
            ),
            http2KeepAlive: Type.Optional(
              closed(
                {
                  interval: duration('The time between two PINGs.'),
                  timeout: duration('How long an answer may take before the connection is closed.'),
                },
                'PINGs that find dead HTTP/2 peers.',
              ),
            ),
          },
          'What holds of HTTP connections.',
        ),
      ),
    },
    'Bounds on the connections to the destination.',
  ),
);
