import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, it } from 'vitest';
import { WIDGET } from '../../test/kit/delta-requests.ts';
import {
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { DeltaClientSession, describeRejections } from './delta-client-session.ts';
import { decodeFact, encodeFact } from './fact.ts';
import { HeldResources } from './held-resources.ts';

const GADGET = 'example.org/v1/Gadget';
let sink: HeldResources<unknown>;
let session: DeltaClientSession;

beforeEach(() => {
  sink = new HeldResources({
    decode: (resource) => {
      const value = decodeFact(resource);
      if (value === 'bad') throw new Error('it is bad');
      return value;
    },
  });
  session = openSession();
});

function openSession(): DeltaClientSession {
  const node = { id: 'me', metadata: { zone: 'z1' } };
  return new DeltaClientSession({ types: [WIDGET, GADGET], node, sink });
}

function response(
  values: Readonly<Record<string, unknown>>,
  fields: MessageInitShape<typeof DeltaDiscoveryResponseSchema> = {},
): DeltaDiscoveryResponse {
  return create(DeltaDiscoveryResponseSchema, {
    typeUrl: WIDGET,
    nonce: 'n1',
    systemVersionInfo: '9',
    resources: Object.entries(values).map(
      ([name, json]) => encodeFact({ name, version: '9', json }).message,
    ),
    ...fields,
  });
}

describe('opening', () => {
  it('subscribes to all of each type and says once who it is', () => {
    expect(session.open()).toMatchObject([
      {
        typeUrl: WIDGET,
        resourceNamesSubscribe: ['*'],
        initialResourceVersions: {},
        node: { id: 'me', metadata: { zone: 'z1' } },
      },
      { typeUrl: GADGET },
    ]);
    expect(session.open().map(({ node }) => node?.id)).toEqual(['me', undefined]);
  });

  it('says what is held from the stream before', () => {
    session.receive(response({ a: 1, b: 2 }));
    const [widgets, gadgets] = openSession().open();
    expect(widgets?.initialResourceVersions).toEqual({ a: '9', b: '9' });
    expect(gadgets?.initialResourceVersions).toEqual({});
  });
});

describe('holding more than a request can tell', () => {
  beforeEach(() => {
    session.receive(response({ told: 1, kept: 2, changed: 3, gone: 4, bad: 5, removed: 6 }));
    const maxInitialSize = 'told'.length + '9'.length + 8;
    session = new DeltaClientSession({ types: [WIDGET], node: { id: 'me' }, sink, maxInitialSize });
  });

  it('tells what fits, and lets go of what the server then does not send', () => {
    expect(session.open()[0]?.initialResourceVersions).toEqual({ told: '9' });
    session.receive(response({ kept: 2 }, { systemVersionInfo: '9+' }));
    expect(sink.size).toBe(6);
    const { rejections } = session.receive(
      response({ changed: 7, bad: 'bad' }, { removedResources: ['removed'] }),
    );
    expect(rejections.map(({ name }) => name)).toEqual(['bad']);
    expect([...sink.of(WIDGET)].map(([name, { value }]) => [name, value])).toEqual([
      ['told', 1],
      ['kept', 2],
      ['changed', 7],
      ['bad', 5],
    ]);
  });

  it('lets go of nothing later', () => {
    session.open();
    session.receive(response({ kept: 2, changed: 3, gone: 4, bad: 5, removed: 6 }));
    session.receive(response({}));
    expect(sink.size).toBe(6);
  });
});

describe('a response', () => {
  it('is taken and acknowledged', () => {
    const { reply, rejections } = session.receive(response({ a: 1 }));
    expect(reply).toMatchObject({ typeUrl: WIDGET, responseNonce: 'n1' });
    expect(reply.errorDetail).toBeUndefined();
    expect(reply.resourceNamesSubscribe).toEqual([]);
    expect(rejections).toEqual([]);
    expect(sink.of(WIDGET).get('a')?.value).toBe(1);
  });

  it('with bad resources is taken but for these, and each is named', () => {
    const { reply, rejections } = session.receive(response({ a: 'bad', b: 2, 'ns/c': 'bad' }));
    expect(reply.responseNonce).toBe('n1');
    expect(reply.errorDetail).toMatchObject({
      code: 3,
      message: '"a": it is bad; "ns/c": it is bad',
    });
    expect(rejections).toHaveLength(2);
    expect([...sink.of(WIDGET).keys()]).toEqual(['b']);
  });

  it('removes what is gone', () => {
    session.receive(response({ a: 1, b: 2 }));
    session.receive(response({}, { removedResources: ['a', 'never'] }));
    expect([...sink.of(WIDGET).keys()]).toEqual(['b']);
  });

  it.each([
    ['without a nonce', response({ a: 1 }, { nonce: '' })],
    ['of a type never asked for', response({ a: 1 }, { typeUrl: 'other' })],
  ])('%s is refused and changes nothing', (_what, odd) => {
    expect(() => session.receive(odd)).toThrow(expect.objectContaining({ code: 'ERR_WIRE' }));
    expect(sink.size).toBe(0);
  });
});

describe('a session is in sync', () => {
  it('once the whole state of every type has come', () => {
    session.receive(response({}));
    expect(session.synced).toBe(false);
    session.receive(response({}, { typeUrl: GADGET, systemVersionInfo: '9+' }));
    expect(session.synced).toBe(false);
    session.receive(response({}, { typeUrl: GADGET }));
    expect(session.synced).toBe(true);
  });

  it('although something was rejected', () => {
    session.receive(response({ a: 'bad' }));
    session.receive(response({}, { typeUrl: GADGET }));
    expect(session.synced).toBe(true);
  });
});

it('describes very many rejections in a bounded text', () => {
  const many = Array.from({ length: 5_000 }, (_, index) => ({
    name: `n${index}`,
    reason: 'x'.repeat(10_000),
  }));
  const text = describeRejections(many);
  expect(text).toContain('"n99": xxx');
  expect(text).toMatch(/and 4900 more$/);
  expect(text.length).toBeLessThan(40_000);
});
