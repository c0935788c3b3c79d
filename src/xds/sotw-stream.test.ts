import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { WIDGET } from '../../test/kit/delta-requests.ts';
import { EditableView } from '../../test/kit/editable-view.ts';
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { StatusSchema } from '../gen/google/rpc/status_pb.js';
import { SotwStream } from './sotw-stream.ts';
import { defaultStreamLimits, type StreamLimits } from './stream-limits.ts';

function rig(limits: Partial<StreamLimits> = {}): {
  readonly view: EditableView;
  readonly stream: SotwStream;
} {
  const view = new EditableView();
  const stream = new SotwStream({
    ...{ view, typeUrl: WIDGET, noncePrefix: 'n' },
    limits: { ...defaultStreamLimits, ...limits },
  });
  return { view, stream };
}

function asks(names: string[], nonce = '', error?: string): DiscoveryRequest {
  return create(DiscoveryRequestSchema, {
    ...{ typeUrl: WIDGET, resourceNames: names, responseNonce: nonce },
    ...(error === undefined
      ? {}
      : { errorDetail: create(StatusSchema, { code: 3, message: error }) }),
  });
}

function next(stream: SotwStream): DiscoveryResponse {
  const response = stream.next(0);
  if (response === undefined) throw new Error('no response is owed');
  return response;
}

describe('a state-of-the-world stream', () => {
  it('answers with all names of a request that exist, once', () => {
    const { view, stream } = rig();
    for (const name of ['a', 'b', 'c']) view.put(WIDGET, name);
    stream.handle(asks(['a', 'c', 'missing']), 0);
    const response = next(stream);
    expect(response).toMatchObject({ typeUrl: WIDGET, nonce: 'n1' });
    expect(response.resources).toHaveLength(2);
    expect(stream.handle(asks(['a', 'c', 'missing'], 'n1'), 0).reply).toEqual({
      ...{ kind: 'ack', version: 3 },
    });
    expect(stream.next(0)).toBeUndefined();
  });

  it('says nothing about a name that does not exist until it appears', () => {
    const { view, stream } = rig();
    stream.handle(asks(['later']), 0);
    expect(stream.next(0)).toBeUndefined();
    view.put(WIDGET, 'later');
    expect(next(stream).resources).toHaveLength(1);
  });

  it('sends a change after the answer to what is in flight, and nothing for changes elsewhere', () => {
    const { view, stream } = rig();
    view.put(WIDGET, 'a');
    stream.handle(asks(['a']), 0);
    const first = next(stream);
    view.put(WIDGET, 'a');
    expect(stream.next(0)).toBeUndefined();
    stream.handle(asks(['a'], first.nonce), 0);
    const second = next(stream);
    expect(second.versionInfo).not.toBe(first.versionInfo);
    stream.handle(asks(['a'], second.nonce), 0);
    view.put(WIDGET, 'other');
    expect(stream.next(0)).toBeUndefined();
  });

  it('does not send again what was rejected, until it changes', () => {
    const { view, stream } = rig();
    view.put(WIDGET, 'a');
    stream.handle(asks(['a']), 0);
    const { reply } = stream.handle(asks(['a'], next(stream).nonce, 'bad key'), 0);
    expect(reply).toEqual({ kind: 'nack', version: 1, detail: 'bad key' });
    expect(stream.next(0)).toBeUndefined();
    view.put(WIDGET, 'a');
    expect(next(stream).resources).toHaveLength(1);
  });

  it('honours names that come with a NACK', () => {
    const { view, stream } = rig();
    view.put(WIDGET, 'a');
    view.put(WIDGET, 'b');
    stream.handle(asks(['a']), 0);
    stream.handle(asks(['a', 'b'], next(stream).nonce, 'bad'), 0);
    expect(next(stream).resources).toHaveLength(2);
  });

  it('ignores a request with a stale nonce', () => {
    const { view, stream } = rig();
    view.put(WIDGET, 'a');
    view.put(WIDGET, 'b');
    stream.handle(asks(['a']), 0);
    const { nonce } = next(stream);
    expect(stream.handle(asks(['b'], 'n0'), 0).reply).toBeUndefined();
    expect(stream.handle(asks(['b']), 0).reply).toBeUndefined();
    stream.handle(asks(['a'], nonce), 0);
    expect(stream.next(0)).toBeUndefined();
  });

  it('answers a first request that carries the nonce of another stream', () => {
    const { view, stream } = rig();
    view.put(WIDGET, 'a');
    expect(stream.handle(asks(['a'], 'from-before'), 0).reply).toBeUndefined();
    expect(next(stream).resources).toHaveLength(1);
  });

  it('takes no names for all, and for none once there were names', () => {
    const { view, stream } = rig();
    view.put(WIDGET, 'a');
    view.put(WIDGET, 'b');
    stream.handle(asks([]), 0);
    const all = next(stream);
    expect(all.resources).toHaveLength(2);
    stream.handle(asks(['a'], all.nonce), 0);
    expect(stream.next(0)).toBeUndefined();
    view.put(WIDGET, 'a');
    const one = next(stream);
    expect(one.resources).toHaveLength(1);
    stream.handle(asks([], one.nonce), 0);
    view.put(WIDGET, 'a');
    expect(stream.next(0)).toBeUndefined();
  });

  it('sends again a name that was given up and asked for again', () => {
    const { view, stream } = rig();
    view.put(WIDGET, 'a');
    view.put(WIDGET, 'b');
    stream.handle(asks(['a', 'b']), 0);
    stream.handle(asks(['a'], next(stream).nonce), 0);
    expect(stream.next(0)).toBeUndefined();
    stream.handle(asks(['a', 'b'], 'n1'), 0);
    expect(next(stream).resources).toHaveLength(2);
  });

  it('gives the same content the same version on every stream', () => {
    const { view, stream } = rig();
    view.put(WIDGET, 'a');
    view.put(WIDGET, 'b');
    const other = new SotwStream({
      ...{ view, typeUrl: WIDGET, noncePrefix: 'x', limits: defaultStreamLimits },
    });
    stream.handle(asks(['a', 'b']), 0);
    other.handle(asks(['b', 'a']), 0);
    expect(next(other).versionInfo).toBe(next(stream).versionInfo);
  });

  it.each([
    ['another type', { typeUrl: 'example.org/v1/Gadget' }, 'ERR_WIRE'],
    ['an empty name', { resourceNames: [''] }, 'ERR_WIRE'],
    ['too many names', { resourceNames: ['a', 'b', 'c'] }, 'ERR_LIMIT'],
    ['a long name', { resourceNames: ['a'.repeat(600)] }, 'ERR_LIMIT'],
    ['a long version', { versionInfo: 'a'.repeat(600) }, 'ERR_LIMIT'],
    ['locators', { resourceLocators: [{ name: 'a' }] }, 'ERR_WIRE'],
  ] as const)('refuses %s', (_what, fields, code) => {
    const { stream } = rig({ maxNames: 2 });
    const request = create(DiscoveryRequestSchema, structuredClone(fields) as object);
    expect(() => stream.handle(request, 0)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses more requests than it may be sent', () => {
    const { stream } = rig({ requestBurst: 3, requestsPerSecond: 1 });
    for (let i = 0; i < 3; i++) stream.handle(asks([`a${i}`]), 0);
    expect(() => stream.handle(asks(['b']), 0)).toThrow(/too many discovery requests/);
    stream.handle(asks(['b']), 1_000);
  });
});
