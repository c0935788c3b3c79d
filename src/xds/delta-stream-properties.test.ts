import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ack, nack, request, WIDGET } from '../../test/kit/delta-requests.ts';
import { EditableView } from '../../test/kit/editable-view.ts';
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js';
import { DeltaStream } from './delta-stream.ts';
import { defaultStreamLimits } from './stream-limits.ts';

type Step =
  | { readonly do: 'put' | 'remove'; readonly name: string }
  | { readonly do: 'change'; readonly subscribe: string[]; readonly unsubscribe: string[] }
  | { readonly do: 'deliver'; readonly to: 'server' | 'client'; readonly nack: boolean }
  | { readonly do: 'reconnect' };

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const name = fc.constantFrom(...NAMES);
const names = fc.uniqueArray(fc.constantFrom('*', ...NAMES), { maxLength: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('put', 'put', 'remove'), name }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('change'), subscribe: names, unsubscribe: names }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('deliver'),
      to: fc.constantFrom('server', 'client'),
      nack: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect') }) },
);

/**
 * A client as the protocol describes it and a server, with messages under way in both directions.
 * A client that rejects a response takes nothing of it.
 */
class Conversation {
  readonly view = new EditableView();
  readonly #responseNames: number;
  #stream: DeltaStream;
  #wildcard = true;
  readonly #names = new Set<string>();
  readonly held = new Map<string, string>();
  /** What the newest rejection was about; undefined for a removal. */
  readonly rejected = new Map<string, string | undefined>();
  #toServer: DeltaDiscoveryRequest[] = [];
  #toClient: DeltaDiscoveryResponse[] = [];
  #streams = 0;
  #opened = true;

  constructor(responseNames: number) {
    this.#responseNames = responseNames;
    this.#stream = this.#open();
    this.#toServer = [request()];
  }

  run(step: Step): void {
    switch (step.do) {
      case 'put':
        this.view.put(WIDGET, step.name);
        this.#stream.changed(WIDGET, [step.name]);
        break;
      case 'remove':
        this.view.remove(WIDGET, step.name);
        this.#stream.changed(WIDGET, [step.name]);
        break;
      case 'change':
        this.#change(step.subscribe, step.unsubscribe);
        break;
      case 'deliver':
        if (step.to === 'server') this.#deliverRequest();
        else this.#deliverResponse(step.nack);
        break;
      case 'reconnect':
        this.reconnect();
        break;
    }
  }

  /** Delivers everything, without rejections, until nothing is under way. */
  settle(): void {
    do {
      while (this.#toServer.length > 0) this.#deliverRequest();
      while (this.#deliverResponse(false));
    } while (this.#toServer.length > 0);
  }

  reconnect(): void {
    this.#stream = this.#open();
    this.#toClient = [];
    const subscribe = [...(this.#wildcard ? ['*'] : []), ...this.#names];
    // Naming nothing at first would mean naming everything; such a client sends nothing yet.
    this.#opened = subscribe.length > 0;
    const initial = Object.fromEntries(this.held);
    this.#toServer = this.#opened ? [request({ subscribe, initial, nonce: 'of-old-1' })] : [];
  }

  covers(resource: string): boolean {
    return this.#wildcard || this.#names.has(resource);
  }

  /** What the client is to hold when all is said. */
  get expected(): ReadonlyMap<string, string> {
    return new Map(
      [...this.view.list(WIDGET)]
        .filter(([resource]) => this.covers(resource))
        .map(([resource, { message }]) => [resource, message.version]),
    );
  }

  get acknowledged(): number | undefined {
    return this.#stream.status[0]?.acknowledged;
  }

  #open(): DeltaStream {
    this.#streams += 1;
    return new DeltaStream({
      view: this.view,
      limits: {
        ...defaultStreamLimits,
        maxResponseNames: this.#responseNames,
        requestBurst: 1_000_000,
      },
      noncePrefix: `${this.#streams}-`,
    });
  }

  #change(subscribe: string[], unsubscribe: string[]): void {
    if (subscribe.length + unsubscribe.length === 0) return;
    for (const gone of unsubscribe) {
      if (gone === '*') this.#wildcard = false;
      else this.#names.delete(gone);
    }
    for (const held of [...this.held.keys()]) if (!this.covers(held)) this.held.delete(held);
    for (const asked of subscribe) {
      if (asked === '*') this.#wildcard = true;
      else this.#names.add(asked);
    }
    this.#opened ||= subscribe.length > 0;
    if (this.#opened) this.#toServer.push(request({ subscribe, unsubscribe, nonce: 'stale' }));
  }

  #deliverRequest(): void {
    const next = this.#toServer.shift();
    if (next !== undefined) this.#stream.handle(next, 0);
    for (let sent = this.#stream.next(0); sent !== undefined; sent = this.#stream.next(0))
      this.#toClient.push(sent);
    expect(this.#toClient.length).toBeLessThanOrEqual(1);
  }

  #deliverResponse(rejects: boolean): boolean {
    // The server may have become free to send by a change, too.
    const next = this.#toClient.shift() ?? this.#stream.next(0);
    if (next === undefined) return false;
    for (const { name: resource, version } of next.resources) {
      if (rejects) this.rejected.set(resource, version);
      else if (this.covers(resource)) this.held.set(resource, version);
    }
    for (const gone of next.removedResources) {
      if (rejects) this.rejected.set(gone, undefined);
      else this.held.delete(gone);
    }
    this.#toServer.push(rejects ? nack(next) : ack(next));
    return true;
  }
}

it('ends with the client holding what it may and asked for, whatever happened before', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      (steps, size) => {
        const conversation = new Conversation(size);
        for (const one of steps) conversation.run(one);
        conversation.settle();
        const { held, expected, rejected, view } = conversation;
        for (const one of new Set([...held.keys(), ...expected.keys()])) {
          const current = view.get(WIDGET, one)?.message.version;
          if (!rejected.has(one) || rejected.get(one) !== current)
            expect([one, held.get(one)]).toEqual([one, expected.get(one)]);
        }
        conversation.reconnect();
        conversation.settle();
        expect(conversation.held).toEqual(conversation.expected);
        expect(conversation.acknowledged ?? view.version).toBe(view.version);
      },
    ),
    { numRuns: 5_000 },
  );
});
