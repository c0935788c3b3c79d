import { create } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, it } from 'vitest';
import { ack, request } from '../../test/kit/delta-requests.ts';
import { StreamRig } from '../../test/kit/stream-rig.ts';
import { NodeSchema } from '../gen/envoy/config/core/v3/base_pb.js';
import {
  type DeltaDiscoveryRequest,
  ResourceLocatorSchema,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';

const GADGET = 'example.org/v1/Gadget';

let rig: StreamRig;

beforeEach(() => {
  rig = new StreamRig();
});

describe('memory of a client that does not answer', () => {
  it('holds what is, not what has been', () => {
    rig.handle(request());
    const first = rig.next();
    for (let count = 0; count < 1_000; count++) {
      rig.put(`passing-${count}`);
      rig.remove(`passing-${count}`);
    }
    rig.handle(ack(first));
    expect(rig.sent()).toBeUndefined();
  });

  it('refuses answers owed to ever new unknown names', () => {
    rig = new StreamRig({ maxNames: 10 });
    rig.handle(request({ subscribe: ['*'] }));
    rig.next();
    const ask = (count: number): unknown =>
      rig.handle(request({ unsubscribe: [`unknown-${count}`] }));
    for (let count = 0; count < 10; count++) ask(count);
    expect(() => ask(10)).toThrow(expect.objectContaining({ code: 'ERR_LIMIT' }));
  });
});

describe('bounds', () => {
  const limits = {
    maxTypes: 2,
    maxNames: 3,
    maxNameLength: 40,
    maxInitialVersions: 2,
    maxNodeBytes: 200,
  };
  const long = 'x'.repeat(41);

  it.each<[string, DeltaDiscoveryRequest]>([
    ['too many names at once', request({ subscribe: ['a', 'b', 'c', 'd'] })],
    ['too many names to unsubscribe from', request({ unsubscribe: ['a', 'b', 'c', 'd'] })],
    ['too long a name', request({ subscribe: [long] })],
    ['too long a name to unsubscribe from', request({ unsubscribe: [long] })],
    ['too long a type', request({ typeUrl: long })],
    ['too long a nonce', request({ nonce: long })],
    ['too many initial versions', request({ initial: { a: '1', b: '1', c: '1' } })],
    ['too long an initial version', request({ initial: { a: long } })],
    ['too long an initial name', request({ initial: { [long]: '1' } })],
  ])('refuse %s', (_what, asked) => {
    rig = new StreamRig(limits);
    expect(() => rig.handle(asked)).toThrow(expect.objectContaining({ code: 'ERR_LIMIT' }));
  });

  it('refuse names that become too many by and by', () => {
    rig = new StreamRig(limits);
    rig.handle(request({ subscribe: ['a', 'b'] }));
    rig.handle(request({ subscribe: ['b', 'c'] }));
    expect(() => rig.handle(request({ subscribe: ['d'] }))).toThrow(
      expect.objectContaining({ code: 'ERR_LIMIT' }),
    );
  });

  it('refuse a further type', () => {
    rig = new StreamRig(limits);
    rig.handle(request());
    rig.handle(request({ typeUrl: GADGET }));
    expect(() => rig.handle(request({ typeUrl: 'third' }))).toThrow(
      expect.objectContaining({ code: 'ERR_LIMIT' }),
    );
  });

  it('refuse a node with too much metadata, and keep the bounded one of the first request', () => {
    rig = new StreamRig(limits);
    const small = request();
    small.node = create(NodeSchema, { id: 'me', metadata: { zone: 'z1' } });
    expect(rig.handle(small).node).toEqual({ id: 'me', cluster: '', metadata: { zone: 'z1' } });
    expect(rig.handle(small).node).toBeUndefined();
    rig = new StreamRig(limits);
    const large = request();
    large.node = create(NodeSchema, { metadata: { text: 'x'.repeat(200) } });
    expect(() => rig.handle(large)).toThrow(expect.objectContaining({ code: 'ERR_LIMIT' }));
  });

  it.each<[string, DeltaDiscoveryRequest]>([
    ['no type', request({ typeUrl: '' })],
    ['an empty name', request({ subscribe: [''] })],
    [
      'locators',
      Object.assign(request(), {
        resourceLocatorsSubscribe: [create(ResourceLocatorSchema, { name: 'a' })],
      }),
    ],
    [
      'locators that are given back',
      Object.assign(request(), {
        resourceLocatorsUnsubscribe: [create(ResourceLocatorSchema, { name: 'a' })],
      }),
    ],
  ])('do not let %s pass', (_what, asked) => {
    expect(() => rig.handle(asked)).toThrow(expect.objectContaining({ code: 'ERR_WIRE' }));
  });

  it('refuse more requests than the rate, of which awaited ACKs are no part', () => {
    rig = new StreamRig({ requestBurst: 2, requestsPerSecond: 1 });
    rig.handle(request());
    for (let count = 0; count < 50; count++) {
      rig.put('a');
      rig.handle(ack(rig.next()));
    }
    rig.handle(request());
    expect(() => rig.handle(request())).toThrow(expect.objectContaining({ code: 'ERR_LIMIT' }));
    rig.stream.handle(request(), 1_000);
  });

  it('count an ACK that changes the subscription', () => {
    rig = new StreamRig({ requestBurst: 1, requestsPerSecond: 1 });
    rig.handle(request());
    expect(() => rig.handle(ack(rig.next(), { subscribe: ['a'] }))).toThrow(
      expect.objectContaining({ code: 'ERR_LIMIT' }),
    );
  });
});
