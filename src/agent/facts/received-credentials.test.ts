import { Code, ConnectError, createRouterTransport, type Transport } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../test/kit/eventually.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { destinationRule, reviews } from '../../../test/kit/policies.ts';
import { CredentialService } from '../../gen/hauberk/credentials/v1/credentials_pb.js';
import { WatchableValue } from '../../lib/watchable.ts';
import { noFacts } from '../../policy/mesh-facts.ts';
import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import { ReceivedCredentials } from './received-credentials.ts';

const ruleFor = (credentialName: string, name = credentialName): DestinationRule =>
  destinationRule(
    {
      workloadSelector: { matchLabels: reviews.labels },
      trafficPolicy: { tls: { mode: 'SIMPLE', credentialName } },
    },
    { name },
  );
const empty = { certificate: '', privateKey: '', authorities: '', revocationList: '', problem: '' };

/** A control plane that answers each stream at once and then keeps it open until `end` is called. */
class FakePlane {
  readonly asked: (readonly string[])[] = [];
  open = 0;
  failure: ConnectError | undefined;
  /** Authorities that are given for a name. */
  text = 'PEM';
  #end = Promise.withResolvers<void>();
  readonly transport: Transport;

  constructor() {
    const plane = this;
    this.transport = createRouterTransport(({ service }) =>
      service(CredentialService, {
        async *follow({ names }, { signal }) {
          plane.asked.push(names);
          if (plane.failure !== undefined) throw plane.failure;
          plane.open += 1;
          const gone = new Promise((resolve) => signal.addEventListener('abort', resolve));
          try {
            yield {
              credentials: names.map((name) =>
                name === 'missing'
                  ? { ...empty, name, problem: 'no such Secret' }
                  : { ...empty, name, authorities: `${plane.text} ${name}` },
              ),
            };
            await Promise.race([plane.#end.promise, gone]);
          } finally {
            plane.open -= 1;
          }
        },
      }),
    );
  }

  end(): void {
    this.#end.resolve();
    this.#end = Promise.withResolvers();
  }
}

describe('ReceivedCredentials', () => {
  const facts = new WatchableValue(noFacts);
  const workload = new WatchableValue(reviews);
  let plane: FakePlane;
  let clock: ManualClock;
  let stop: AbortController;
  let received: ReceivedCredentials;
  const rules = (...destinationRules: readonly DestinationRule[]): void =>
    facts.set({ ...facts.current, destinationRules });
  const names = (): readonly string[] => [...received.held.current.keys()];

  beforeEach(() => {
    rules();
    workload.set(reviews);
    plane = new FakePlane();
    clock = new ManualClock();
    stop = new AbortController();
    received = new ReceivedCredentials({ facts, workload, clock });
    void received.run(stop.signal);
  });
  afterEach(() => stop.abort());

  it('asks for nothing while no rule names one', async () => {
    received.use(plane.transport);
    await clock.advance(3_600_000);
    expect(plane.asked).toEqual([]);
  });

  it('asks for what a rule names, and holds what it is given or why not', async () => {
    received.use(plane.transport);
    rules(ruleFor('api'), ruleFor('missing'));
    await eventually('the answer', () => received.held.current.size === 2);
    expect(plane.asked).toEqual([['api', 'missing']]);
    expect(received.held.current.get('missing')).toEqual({ problem: 'no such Secret' });
    expect(received.held.current.get('api')).toEqual({
      credential: {
        ...{ authorities: 'PEM api', certificate: undefined },
        ...{ privateKey: undefined, revocationList: undefined },
      },
    });
  });

  it('asks anew when the names change, and forgets those that no rule names', async () => {
    received.use(plane.transport);
    rules(ruleFor('api'), ruleFor('db'));
    await eventually('both', () => received.held.current.size === 2);
    rules(ruleFor('db'), ruleFor('db', 'a-second-rule'));
    await clock.advance(1_000);
    await eventually('one', () => names().join() === 'db' && plane.asked.length === 2);
    rules(ruleFor('db'));
    await clock.advance(60_000);
    expect(plane.asked).toEqual([['api', 'db'], ['db']]);
    expect(plane.open).toBe(1);
    workload.set({ ...reviews, labels: {} });
    await clock.advance(1_000);
    await eventually('none', () => names().length === 0 && plane.open === 0);
  });

  it('keeps what it holds while the control plane is away, and asks again by backoff', async () => {
    received.use(plane.transport);
    rules(ruleFor('api'));
    await eventually('the answer', () => received.held.current.size === 1);
    plane.failure = new ConnectError('away', Code.Unavailable);
    plane.end();
    await clock.advance(60_000);
    await eventually('tries', () => plane.asked.length > 3);
    expect(plane.asked.length).toBeLessThan(20);
    expect(names()).toEqual(['api']);
    plane.failure = undefined;
    plane.text = 'NEW';
    await clock.advance(30_000);
    await eventually('what is new', () =>
      JSON.stringify(received.held.current.get('api')).includes('NEW api'),
    );
  });

  it('asks at once over a new connection', async () => {
    rules(ruleFor('api'));
    await clock.advance(1_000);
    received.use(plane.transport);
    await eventually('the answer', () => names().join() === 'api');
  });

  it('says that a control plane is too old', async () => {
    plane.failure = new ConnectError('what?', Code.Unimplemented);
    received.use(plane.transport);
    rules(ruleFor('api'));
    await eventually('why', () => received.held.current.size === 1);
    expect(received.held.current.get('api')).toEqual({
      problem: 'the control plane is older than credentialName; upgrade it',
    });
  });

  it('asks for 64 names at most', async () => {
    received.use(plane.transport);
    rules(...Array.from({ length: 70 }, (_, at) => ruleFor(`n${100 + at}`)));
    await eventually('the answer', () => received.held.current.size > 0);
    expect(plane.asked[0]).toHaveLength(64);
  });

  it('ends its stream when it is stopped', async () => {
    received.use(plane.transport);
    rules(ruleFor('api'));
    await eventually('the stream', () => plane.open === 1);
    stop.abort();
    await eventually('its end', () => plane.open === 0);
  });
});
