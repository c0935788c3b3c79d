import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFact, encodeFact, factName, factTypeUrl } from './fact.ts';
import type { ReceivedResource } from './resource-sink.ts';

function received(json: unknown): ReceivedResource {
  const { message } = encodeFact({ name: 'shop/x', version: '7', json });
  const { typeUrl = '', value = new Uint8Array() } = message.resource ?? {};
  return { name: message.name, version: message.version, typeUrl, bytes: value };
}

it.each([
  ['security.istio.io', 'PeerAuthentication', 'security.istio.io/v1/PeerAuthentication'],
  ['', 'Service', 'core/v1/Service'],
])('spells the type of group "%s"', (group, kind, typeUrl) => {
  expect(factTypeUrl({ group, version: 'v1', kind })).toBe(typeUrl);
});

it.each([
  [{ namespace: 'shop', name: 'web' }, 'shop/web'],
  [{ namespace: '', name: 'shop' }, 'shop'],
  [{ name: 'shop' }, 'shop'],
])('names %j %s', (metadata, name) => {
  expect(factName(metadata)).toBe(name);
});

describe('a fact', () => {
  it('comes out as it went in, whatever JSON it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expect(decodeFact(received(json))).toEqual(JSON.parse(JSON.stringify(json)));
      }),
    );
  });

  it('knows about how large it is in a response', () => {
    const small = encodeFact({ name: 'a', version: '1', json: '' });
    const large = encodeFact({ name: 'a', version: '1', json: 'x'.repeat(10_000) });
    expect(large.bytes - small.bytes).toBeGreaterThanOrEqual(10_000);
  });

  it.each<[string, Partial<ReceivedResource>, string]>([
    ['another type', { typeUrl: 'type.googleapis.com/google.protobuf.Empty' }, 'ERR_WIRE'],
    ['no type', { typeUrl: '' }, 'ERR_WIRE'],
    ['bytes that are no message', { bytes: Uint8Array.of(10, 200, 1) }, 'ERR_WIRE'],
    ['no JSON', { bytes: new Uint8Array() }, 'ERR_WIRE'],
    ['broken UTF-8', { bytes: Uint8Array.of(10, 3, 34, 0xff, 34) }, 'ERR_WIRE'],
    ['more bytes than allowed', { bytes: new Uint8Array(4_194_305) }, 'ERR_LIMIT'],
  ])('with %s is refused', (_what, changed, code) => {
    expect(() => decodeFact({ ...received({}), ...changed })).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it('is refused or read, never anything else, whatever bytes come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeFact({ ...received({}), bytes });
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_WIRE' });
        }
      }),
    );
  });
});
