import { Type } from 'typebox';
import { duration, flag, list, map, nullable, real, text, texts, uint32, word } from '../fields.ts';
import { lazy } from '../lazy.ts';
import { closed } from '../schema.ts';
import { atMostOne } from '../schema-keywords.ts';

const MAX_UINT64 = Number.MAX_SAFE_INTEGER;

const failover = lazy(() =>
  list(
    closed(
      {
        from: text('Region of the caller.'),
        to: text('Region that is taken when the first has no healthy endpoint.'),
      },
      'Where to go from one region.',
    ),
    'Which region stands in for which.',
  ),
);

const consistentHash = lazy(() =>
  Type.Object(
    {
      httpHeaderName: text('Hash this header of the request.'),
      httpCookie: Type.Optional(
        closed(
          {
            name: Type.String({ description: 'Name of the cookie.' }),
            path: text('Path of the cookie.'),
            ttl: text('How long the cookie lives; `0s` for the session.'),
            attributes: list(
              closed(
                {
                  name: Type.String({ description: 'Name of the attribute.' }),
                  value: text('Its value, where it has one.'),
                },
                'One attribute.',
              ),
              'Further attributes of the cookie.',
            ),
          },
          'Hash this cookie; it is set where the request has none.',
        ),
      ),
      useSourceIp: flag('Hash the address of the caller.'),
      httpQueryParameterName: text('Hash this parameter of the query.'),
      minimumRingSize: uint32('Replaced by `ringHash`.', { maximum: MAX_UINT64 }),
      ringHash: Type.Optional(
        closed(
          {
            minimumRingSize: uint32('Fewest points of the ring; more make the load more even.', {
              maximum: MAX_UINT64,
            }),
          },
          'Hash onto a ring.',
        ),
      ),
      maglev: Type.Optional(
        closed(
          { tableSize: uint32('Size of the table, a prime.', { maximum: MAX_UINT64 }) },
          'Hash into a Maglev table.',
        ),
      ),
    },
    {
      additionalProperties: false,
      description: 'The same caller goes to the same endpoint, as long as there is that endpoint.',
      ...atMostOne(
        ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'],
        ['ringHash', 'maglev'],
      ),
    },
  ),
);

const localityLbSetting = lazy(() =>
  closed(
    {
      distribute: list(
        closed(
          {
            from: text('Locality of the caller: `region/zone/sub-zone`.'),
            to: map(
              Type.Integer({ minimum: 0, maximum: 4_294_967_295 }),
              'Share of each locality, together 100.',
            ),
          },
          'How calls from one locality are spread.',
        ),
        'Shares by the locality of the caller.',
      ),
      failover: failover(),
      failoverPriority: texts('Labels by which endpoints are preferred, the most alike first.'),
      enabled: flag('Whether localities count.', nullable),
    },
    'Which endpoints are preferred by where they are.',
  ),
);

/** Istio's LoadBalancerSettings: which endpoint of a destination a call goes to. */
export const loadBalancerSchema = lazy(() =>
  Type.Object(
    {
      simple: word(
        ['UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST'],
        'A method without settings; LEAST_REQUEST where none is given.',
      ),
      consistentHash: Type.Optional(consistentHash()),
      localityLbSetting: Type.Optional(localityLbSetting()),
      zoneAwareLbSetting: Type.Optional(
        closed(
          {
            enabled: flag('Whether zones count.', nullable),
            minClusterSize: uint32('Fewest endpoints in the region of the caller.', {
              maximum: MAX_UINT64,
              minimum: 1,
              ...nullable,
            }),
            failover: failover(),
            failoverPriority: texts('Labels by which endpoints are preferred.'),
          },
          'Prefers endpoints in the zone of the caller, as far as the load stays even.',
        ),
      ),
      warmupDurationSecs: duration('Replaced by `warmup`.'),
      warmup: Type.Optional(
        closed(
          {
            duration: Type.String({
              description: 'How long a new endpoint takes to get its full share.',
            }),
            minimumPercent: real('Share that it begins with.', {
              minimum: 0,
              maximum: 100,
              ...nullable,
            }),
            aggression: real('How fast the share grows; 1 is evenly.', { minimum: 0, ...nullable }),
          },
          'New endpoints get their load by and by.',
        ),
      ),
    },
    {
      additionalProperties: false,
      description: 'Which of the endpoints a call goes to.',
      ...atMostOne(['simple', 'consistentHash']),
    },
  ),
);
