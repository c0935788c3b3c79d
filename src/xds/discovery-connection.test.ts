import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ack, contentOf, nack, request, WIDGET } from '../../test/kit/delta-requests.ts';
import { EditableView } from '../../test/kit/editable-view.ts';
import { ManualClock } from '../../test/kit/manual-clock.ts';
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { DeltaStream } from './delta-stream.ts';
import { DiscoveryConnection } from './discovery-connection.ts';
import { Outbox } from './outbox.ts';
import { defaultStreamLimits } from './stream-limits.ts';

let view: EditableView;
let clock: ManualClock;
let events: string[];
let requests: Outbox<DeltaDiscoveryRequest>;
let connection: DiscoveryConnection;
let aborting: AbortController;
let responses: AsyncGenerator<DeltaDiscoveryResponse>;

beforeEach(() => {
  view = new EditableView();
  clock = new ManualClock();
  events = [];
  requests = new Outbox();
  aborting = new AbortController();
  connection = new DiscoveryConnection({
    stream: new DeltaStream({ view, limits: defaultStreamLimits, noncePrefix: '' }),
    clock,
    ackTimeoutMs: 1_000,
    observer: {
      opened: ({ id }) => events.push(`opened ${id}`),
      acknowledged: (typeUrl, version) => events.push(`acknowledged ${typeUrl} ${version}`),
      rejected: (typeUrl, version, detail) =>
        events.push(`rejected ${typeUrl} ${version} ${detail}`),
      silent: () => events.push('silent'),
    },
  });
  responses = connection.responses(requests, aborting.signal);
});

afterEach(() => aborting.abort());

function put(name: string): void {
  view.put(WIDGET, name);
  connection.changed(WIDGET, [name]);
}

async function next(): Promise<DeltaDiscoveryResponse> {
  const { value, done } = await responses.next();
  if (done === true) throw new Error('the responses have ended');
  return value;
}

it('answers requests, and tells of changes as they happen', async () => {
  put('a');
  requests.push(request());
  const first = await next();
  expect(contentOf(first)).toEqual(['a@1']);
  requests.push(ack(first));
  const second = next();
  put('b');
  requests.push(nack(await second, 'bad'));
  put('c');
  expect(contentOf(await next())).toEqual(['c@3']);
  expect(events).toEqual(['opened ', `acknowledged ${WIDGET} 1`, `rejected ${WIDGET} 2 bad`]);
});

it('makes a response when it is taken, of what is then', async () => {
  requests.push(request());
  requests.push(request({ typeUrl: 'other' }));
  await next();
  put('a');
  view.put('other', 'late');
  connection.changed('other', ['late']);
  expect(contentOf(await next())).toEqual(['late@2']);
});

describe('the responses end', () => {
  it('when the requests do', async () => {
    requests.push(request());
    requests.end();
    await next();
    expect((await responses.next()).done).toBe(true);
  });

  it('when the signal aborts, also while nothing happens', async () => {
    requests.push(request());
    requests.push(ack(await next()));
    const waiting = responses.next();
    aborting.abort();
    expect((await waiting).done).toBe(true);
  });

  it('with the error of a request that is refused', async () => {
    requests.push(request({ subscribe: [''] }));
    await expect(responses.next()).rejects.toMatchObject({ code: 'ERR_WIRE' });
  });

  it('with the error of the requests', async () => {
    const reset = Promise.withResolvers<void>();
    async function* broken(): AsyncGenerator<DeltaDiscoveryRequest> {
      yield request();
      await reset.promise;
    }
    responses = connection.responses(broken(), aborting.signal);
    await next();
    reset.reject(new Error('the connection was reset'));
    await expect(responses.next()).rejects.toThrow('the connection was reset');
  });

  it('when the reader stops, although the requests go on', async () => {
    requests.push(request());
    await next();
    expect((await responses.return(undefined)).done).toBe(true);
  });
});

describe('a client that does not answer', () => {
  it('is taken for dead after the time it has', async () => {
    requests.push(request());
    await next();
    const waiting = responses.next();
    const failed = expect(waiting).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
    await clock.advance(999);
    expect(events).not.toContain('silent');
    await clock.advance(1);
    expect(events).toContain('silent');
    await failed;
  });

  it('has that time whatever the wall clock is set to meanwhile', async () => {
    requests.push(request());
    await next();
    clock.setBy(3_600_000);
    await clock.advance(999);
    expect(events).not.toContain('silent');
    clock.setBy(-7_200_000);
    await clock.advance(1);
    expect(events).toContain('silent');
  });

  it('is told of although nobody takes the responses any more', async () => {
    requests.push(request());
    await next();
    await clock.advance(1_000);
    expect(events).toContain('silent');
  });

  it('is another than one that answers late but in time, again and again', async () => {
    requests.push(request());
    for (let round = 0; round < 5; round++) {
      const response = await next();
      await clock.advance(900);
      requests.push(ack(response));
      put('a');
    }
    expect(events).not.toContain('silent');
  });

  it('is another than one to which nothing was to be said for long', async () => {
    requests.push(request());
    requests.push(ack(await next()));
    const waiting = next();
    await clock.advance(1_000_000);
    put('a');
    expect(contentOf(await waiting)).toEqual(['a@1']);
    expect(events).not.toContain('silent');
  });
});
