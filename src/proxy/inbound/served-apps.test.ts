import { describe, expect, it } from 'vitest';
import { appFinder } from './served-apps.ts';

const appOf = appFinder({
  ports: () => [
    { listen: { host: '0.0.0.0', port: 80 }, app: { host: '127.0.0.1', port: 8080 } },
    { listen: { host: '10.0.0.2', port: 80 }, app: { host: '127.0.0.1', port: 8081 } },
    { listen: { host: '0.0.0.0', port: 90 }, app: { host: '127.0.0.1', port: 9090 } },
  ],
  ownAddresses: ['10.0.0.1', 'Reviews.example', '10.0.0.2'],
  captured: (port) => port === 7070,
});

describe('appFinder', () => {
  it.each([
    ['10.0.0.1', 80, 8080],
    ['10.0.0.2', 80, 8081],
    ['reviews.example', 90, 9090],
    ['192.0.2.7', 90, 9090],
    ['10.0.0.1', 81, undefined],
    ['10.0.0.3', 80, undefined],
    ['127.0.0.1', 80, undefined],
  ])('of %s:%s is the application on %s', (host, port, expected) => {
    expect(appOf({ host, port }, '192.0.2.7')?.port).toBe(expected);
  });

  it('of a captured port is on the address that the peer came to', () => {
    const here = { host: '192.0.2.7', port: 7070 };
    expect(appOf({ host: 'reviews.example', port: 7070 }, '192.0.2.7')).toEqual(here);
    expect(appOf({ host: '10.0.0.3', port: 7070 }, '192.0.2.7')).toBeUndefined();
  });
});
