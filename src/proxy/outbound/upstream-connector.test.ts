import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { reviews, service, settings, workloadEntry } from '../../../test/kit/policies.ts';
import { MeshError } from '../../lib/errors.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import { noFacts } from '../../policy/mesh-facts.ts';
import { annotations } from '../../resources/annotations.ts';
import type { Channel } from '../bytes/channel.ts';
import { EndpointChooser } from './endpoint-chooser.ts';
import type { DialOutcome, DialQuestion } from './endpoint-dialer.ts';
import { OutboundView } from './outbound-view.ts';
import { UpstreamConnector } from './upstream-connector.ts';

const channel: Channel = {
  start: () => undefined,
  write: () => true,
  end: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  reset: () => undefined,
};
const tls = { tlsVersion: undefined, cipher: undefined, keyExchange: null };
const opened: DialOutcome = {
  way: { transport: 'hbone', channel, peer: undefined, ownSerial: undefined, tls },
};
const refusedByTcp = new MeshError('ERR_UNREACHABLE', 'nothing listens there (ECONNREFUSED)');
const notTheOne = new MeshError('ERR_UNAUTHENTICATED', 'the server proved to be somebody else');

type Answer = DialOutcome | MeshError;

/** The entry of an endpoint on HBONE, whose address ends with `at`. */
const entry = (at: number) =>
  workloadEntry(
    { ...workloadEntry().spec, address: `10.0.0.${at}` },
    { name: `reviews-${at}`, annotations: { [annotations.hbonePort]: '15008' } },
  );

/** A connector to endpoints that answer dials in this order, the last answer again and again. */
function connectorTo(answers: Readonly<Record<string, readonly Answer[]>>, redialWithinMs = 2_000) {
  const clock = new ManualClock();
  const dialled: string[] = [];
  const dialledAtMs: number[] = [];
  const startMs = clock.elapsedMs();
  const facts = new WatchableValue({
    ...noFacts,
    services: [service()],
    workloadEntries: Object.keys(answers).map((at) => entry(Number(at))),
  });
  const limits = { firstDialBackoffMs: 100, maxDialBackoffMs: 5_000, redialWithinMs };
  const workload = new WatchableValue(reviews);
  const connector = new UpstreamConnector({
    view: new OutboundView({ facts, workload, settings: { current: settings } as never }),
    ...{ workload, clock, redialWithinMs },
    chooser: new EndpointChooser({ clock, limits, random: () => 1 - 1e-9 }),
    dialer: {
      async dial({ endpoint }: DialQuestion) {
        await Promise.resolve();
        const at = endpoint.address.slice('10.0.0.'.length);
        const before = dialled.filter((each) => each === at).length;
        dialled.push(at);
        dialledAtMs.push(Math.round(clock.elapsedMs() - startMs));
        const answer = answers[at]?.[before] ?? answers[at]?.at(-1) ?? refusedByTcp;
        if (answer instanceof MeshError) throw answer;
        return answer;
      },
      warm: () => Promise.resolve(),
    },
  });
  const call = () => connector.connect({ host: 'reviews.shop', port: 80 });
  return { connector, clock, dialled, dialledAtMs, call };
}

describe('UpstreamConnector', () => {
  it('tries the only endpoint again when the connection to it was lost', async () => {
    const { call, clock, dialled, dialledAtMs } = connectorTo({ 1: [refusedByTcp, opened] });
    const outcome = call();
    await clock.advance(100);
    expect(await outcome).toHaveProperty('upstream');
    expect(dialled).toEqual(['1', '1']);
    expect(dialledAtMs).toEqual([0, 100]);
  });

  it('pauses longer each time, and gives up when the time is over, with the reason', async () => {
    const { call, clock, dialledAtMs } = connectorTo({ 1: [refusedByTcp] });
    const outcome = call();
    await clock.advance(10_000);
    expect(await outcome).toEqual({
      problem: 'shop/reviews-1 at 10.0.0.1:15008: nothing listens there (ECONNREFUSED) (5 times)',
    });
    expect(dialledAtMs).toEqual([0, 100, 300, 700, 1_500]);
  });

  it('dials six times at most', async () => {
    const { call, clock, dialled } = connectorTo({ 1: [refusedByTcp] }, 60_000);
    const outcome = call();
    await clock.advance(60_000);
    expect(await outcome).toHaveProperty('problem');
    expect(dialled).toHaveLength(6);
  });

  it('does not repeat what was refused', async () => {
    const { call, clock, dialled } = connectorTo({ 1: [notTheOne, opened] });
    const outcome = call();
    await clock.advance(10_000);
    expect(await outcome).toHaveProperty('problem');
    expect(dialled).toEqual(['1']);
  });

  it('does not repeat what the sidecar there answered', async () => {
    const { call, clock, dialled } = connectorTo({ 1: [{ problem: 'not served (404)' }, opened] });
    const outcome = call();
    await clock.advance(10_000);
    expect(await outcome).toEqual({
      problem: 'shop/reviews-1 at 10.0.0.1:15008: not served (404)',
    });
    expect(dialled).toEqual(['1']);
  });

  it('goes to the others first, at once', async () => {
    const { call, dialled } = connectorTo({ 1: [refusedByTcp], 2: [refusedByTcp], 3: [opened] });
    // Whichever it begins with, it does not wait before it has found the one that answers.
    expect(await call()).toHaveProperty('upstream');
    expect(new Set(dialled).size).toBe(dialled.length);
  });

  it('comes back to any of those that were lost', async () => {
    const { call, clock, dialled } = connectorTo({
      1: [refusedByTcp, opened],
      2: [refusedByTcp, opened],
      3: [notTheOne],
    });
    const outcome = call();
    await clock.advance(100);
    expect(await outcome).toHaveProperty('upstream');
    expect(dialled.slice(0, 3).toSorted()).toEqual(['1', '2', '3']);
    expect(dialled).toHaveLength(4);
    expect(dialled[3]).not.toBe('3');
  });

  it('tries three of many endpoints before it comes back', async () => {
    const { call, clock, dialled } = connectorTo({
      ...{ 1: [refusedByTcp], 2: [refusedByTcp], 3: [refusedByTcp] },
      ...{ 4: [refusedByTcp], 5: [refusedByTcp] },
    });
    const outcome = call();
    await clock.advance(10_000);
    await outcome;
    expect(new Set(dialled).size).toBe(3);
    expect(dialled).toHaveLength(6);
  });

  it('lets who comes while the only endpoint rests wait for it', async () => {
    const { call, clock, dialled } = connectorTo({ 1: [refusedByTcp, refusedByTcp, opened] });
    const first = call();
    await clock.advance(100);
    expect(dialled).toHaveLength(2);
    const second = call();
    await clock.advance(199);
    expect(dialled).toHaveLength(2);
    await clock.advance(1);
    expect(await first).toHaveProperty('upstream');
    expect(await second).toHaveProperty('upstream');
  });

  it('refuses at once whoever comes when the address has been lost for long', async () => {
    const { call, clock, dialled } = connectorTo({ 1: [refusedByTcp] });
    const first = call();
    await clock.advance(2_000);
    await first;
    expect(await call()).toEqual({
      problem: expect.stringMatching(/ECONNREFUSED\); it is tried again in \d+ ms/),
    });
    expect(dialled).toHaveLength(5);
  });

  it('forgets failures of an endpoint that has answered', async () => {
    const answers = [refusedByTcp, refusedByTcp, opened, refusedByTcp, opened];
    const { call, clock, dialledAtMs } = connectorTo({ 1: answers });
    const first = call();
    await clock.advance(300);
    await first;
    const second = call();
    await clock.advance(100);
    expect(await second).toHaveProperty('upstream');
    expect(dialledAtMs).toEqual([0, 100, 300, 300, 400]);
  });

  it('calls an endpoint again that was lost and has rested, as soon as it is its turn', async () => {
    const { call, clock, dialled } = connectorTo({ 1: [opened], 2: [refusedByTcp, opened] });
    expect(await call()).toHaveProperty('upstream');
    expect(dialled).toEqual(['2', '1']);
    await clock.advance(100);
    expect(await call()).toHaveProperty('upstream');
    expect(dialled).toEqual(['2', '1', '2']);
  });

  it('waits as long, however the wall clock is set meanwhile', async () => {
    const { call, clock, dialled } = connectorTo({ 1: [refusedByTcp] });
    const outcome = call();
    await clock.advance(50);
    clock.setBy(-3_600_000);
    await clock.advance(2_000);
    expect(await outcome).toHaveProperty('problem');
    expect(dialled).toHaveLength(5);
  });

  it('waits for nobody once it is closed', async () => {
    const { call, connector, dialled } = connectorTo({ 1: [refusedByTcp] });
    const outcome = call();
    await new Promise((resolve) => setImmediate(resolve));
    connector.close();
    expect(await outcome).toHaveProperty('problem');
    expect(dialled.length).toBeLessThanOrEqual(2);
  });
});
