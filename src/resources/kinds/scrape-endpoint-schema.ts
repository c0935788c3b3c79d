import { Type } from 'typebox';
import { flag, int64, intOrString, list, map, text, textMap, texts, word } from '../fields.ts';
import { lazy } from '../lazy.ts';
import { closed } from '../schema.ts';
import { prometheusDuration, secretKey, secretOrConfigMap, urlOf } from './prometheus-fields.ts';

const ACTIONS = [
  'replace',
  'keep',
  'drop',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
  'keepequal',
  'dropequal',
] as const;
const CAPITAL = [
  'Replace',
  'Keep',
  'Drop',
  'HashMod',
  'LabelMap',
  'LabelDrop',
  'LabelKeep',
  'Lowercase',
  'Uppercase',
  'KeepEqual',
  'DropEqual',
] as const;
const VERSIONS = ['TLS10', 'TLS11', 'TLS12', 'TLS13'] as const;

const relabelings = lazy(() =>
  Type.Array(
    closed(
      {
        sourceLabels: texts('Labels whose values are joined.'),
        separator: text('What they are joined by.'),
        targetLabel: text('Label that gets the result.'),
        regex: text('What the joined values are compared with.'),
        modulus: int64('What the hash of the values is taken modulo of.', { minimum: 0 }),
        replacement: text('The result, with `$1` for what the expression took.'),
        action: word([...ACTIONS, ...CAPITAL], 'What happens on a match.', { default: 'replace' }),
      },
      'One rewriting of labels.',
    ),
    { description: 'Rewritings of labels, in order.' },
  ),
);

const tls = lazy(() => ({
  ca: Type.Optional(secretOrConfigMap()),
  cert: Type.Optional(secretOrConfigMap()),
  keySecret: Type.Optional(secretKey()),
  serverName: text('Name that the certificate of the server must have.'),
  insecureSkipVerify: flag('Trusts any server.'),
  minVersion: word([...VERSIONS], 'Lowest TLS version.'),
  maxVersion: word([...VERSIONS], 'Highest TLS version.'),
}));

const proxy = lazy(() => ({
  proxyUrl: urlOf(['http', 'https', 'socks5'], 'Proxy that is used.'),
  noProxy: text('Addresses that are reached without it.'),
  proxyFromEnvironment: flag('Whether the environment of Prometheus says which proxy.'),
  proxyConnectHeader: map(Type.Array(secretKey()), 'Headers for the proxy.', {
    'x-kubernetes-map-type': 'atomic',
  }),
}));

const oauth2 = lazy(() =>
  closed(
    {
      clientId: secretOrConfigMap(),
      clientSecret: secretKey(),
      tokenUrl: Type.String({ minLength: 1, description: 'Where tokens are asked for.' }),
      scopes: texts('Scopes that are asked for.'),
      endpointParams: textMap('Further parameters.'),
      tlsConfig: Type.Optional(closed(tls(), 'TLS towards that server.')),
      ...proxy(),
    },
    'Credentials by OAuth 2.',
  ),
);

const access = lazy(() => ({
  authorization: Type.Optional(
    closed(
      { type: text('Bearer where it is left out.'), credentials: Type.Optional(secretKey()) },
      'An Authorization header.',
    ),
  ),
  basicAuth: Type.Optional(
    closed(
      { username: Type.Optional(secretKey()), password: Type.Optional(secretKey()) },
      'User and password.',
    ),
  ),
  bearerTokenSecret: Type.Optional(secretKey()),
  oauth2: Type.Optional(oauth2()),
}));

const common = lazy(() => ({
  port: text('Name of the port.'),
  targetPort: intOrString('Port of the Pod, by number or name.'),
  path: text('Path; `/metrics` where it is left out.'),
  scheme: word(['http', 'https', 'HTTP', 'HTTPS'], 'http where it is left out.'),
  params: map(Type.Array(Type.String()), 'Parameters of the query.'),
  interval: prometheusDuration('How often it is asked.'),
  scrapeTimeout: prometheusDuration('How long an answer may take.'),
  honorLabels: flag('Whether labels of the target win over those of Prometheus.'),
  honorTimestamps: flag('Whether times of the target are kept.'),
  trackTimestampsStaleness: flag('Whether metrics with times of their own go stale.'),
  enableHttp2: flag('Whether HTTP/2 is spoken.'),
  followRedirects: flag('Whether redirects are followed.'),
  filterRunning: flag('Whether Pods that do not run are left out.'),
  metricRelabelings: Type.Optional(relabelings()),
  relabelings: Type.Optional(relabelings()),
  ...access(),
  ...proxy(),
}));

/** The Prometheus operator's Endpoint: how a port of a Service is asked for metrics. */
export const serviceEndpoints = lazy(() =>
  Type.Array(
    closed(
      {
        ...common(),
        bearerTokenFile: text('File with a token; replaced by `authorization`.'),
        tlsConfig: Type.Optional(
          closed(
            {
              ...tls(),
              caFile: text('File with the authorities.'),
              certFile: text('File with the certificate.'),
              keyFile: text('File with the key.'),
            },
            'TLS towards the target.',
          ),
        ),
      },
      'One port that is asked.',
    ),
    { description: 'Ports that are asked.' },
  ),
);

/** The Prometheus operator's PodMetricsEndpoint: how a port of a Pod is asked for metrics. */
export const podEndpoints = lazy(() =>
  list(
    closed(
      {
        ...common(),
        portNumber: Type.Optional(
          Type.Integer({
            format: 'int32',
            minimum: 1,
            maximum: 65535,
            description: 'Port of the Pod, by number.',
          }),
        ),
        tlsConfig: Type.Optional(closed(tls(), 'TLS towards the target.')),
      },
      'One port that is asked.',
    ),
    'Ports that are asked.',
  ),
);
