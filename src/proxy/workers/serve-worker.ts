import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../../lib/clock.ts';
import { collectAfterChanges } from '../../lib/collect-after-changes.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { packageVersion } from '../../lib/package-version.ts';
import { type RunningProxy, startProxy } from '../proxy.ts';
import { duplicateSockets } from './duplicate-sockets.ts';
import { EventBatches } from './event-batches.ts';
import { FollowedSubjects } from './followed-subjects.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker-protocol.ts';

/**
 * Runs a proxy in this thread for the one at the other end of `port`, which is told of everything.
 * What it throws later ends the thread, and is meant to.
 *
 * @param schedule calls back once all that is ready now has been worked on, for what is told then. Default `setImmediate`
 */
export async function serveWorker(
  port: MessagePort,
  start: WorkerStart,
  schedule: (flush: () => void) => void = (flush) => void setImmediate(flush),
): Promise<void> {
  const tell = (message: FromWorker): void => port.postMessage(message);
  const fail = (error: unknown): void => {
    const code = MeshError.is(error) ? error.code : undefined;
    tell({ kind: 'failed', code, message: messageOf(error) });
    port.close();
  };
  try {
    checkVersion(start.version);
  } catch (error) {
    return fail(error);
  }
  const batches = new EventBatches({ send: (batch) => tell({ kind: 'events', batch }), schedule });
  const subjects = new FollowedSubjects(start);
  // As long as the thread lives.
  collectAfterChanges(subjects.identity, { clock: systemClock });
  const { sockets } = start.plan;
  // Its own: whoever started this thread closes those that came with the plan, also if this never gets here.
  const inherited = duplicateSockets(sockets?.inherited ?? []);
  const proxy = startProxy({
    ...{ ...start.plan, sockets: { ...sockets, inherited } },
    workload: subjects.workload,
    identity: subjects.identity,
    facts: subjects.facts,
    clockSkew: subjects.clockSkew,
    credentials: subjects.credentials,
    ticketKeys: subjects.ticketKeys,
    issuers: subjects.issuers,
    issuerMet: (der) => tell({ kind: 'issuer', der }),
    ...{ clock: systemClock, events: batches.events },
  });
  // From now on, since what changes while addresses are bound must not be missed.
  port.on('message', (message: ToWorker) => {
    hear(message, { port, batches, subjects, proxy }).catch((error: unknown) => {
      // Outside of the promise, so that it ends the thread as what listeners throw does.
      setImmediate(() => {
        throw error;
      });
    });
  });
  try {
    const serving = await proxy;
    const { bound, listening } = serving;
    // Else the system would end its connections in order, and a cut answer would look like a whole one.
    process.once('uncaughtExceptionMonitor', () => serving.cut());
    tell({ kind: 'bound', bound, listening });
  } catch (error) {
    fail(error);
  }
}

/** Two releases in one process would misunderstand each other; the other workers go on without this one. */
function checkVersion(needed: string): void {
  const found = packageVersion();
  if (found === needed) return;
  throw new MeshError(
    'ERR_CONFLICT',
    `version ${found} was installed over ${needed}, which still runs; start the new one on the same state directory, and it takes over`,
  );
}

interface Serving {
  readonly port: MessagePort;
  readonly batches: EventBatches;
  readonly subjects: FollowedSubjects;
  readonly proxy: Promise<RunningProxy>;
}

async function hear(message: ToWorker, serving: Serving): Promise<void> {
  const { port, batches, subjects, proxy } = serving;
  const tell = (answer: FromWorker): void => port.postMessage(answer);
  switch (message.kind) {
    case 'change':
      subjects.apply(message.change);
      return;
    case 'heard':
      batches.heard(message.events);
      return;
    case 'list': {
      const { question } = message;
      const { capture: captured, connections } = await proxy;
      const capture = await captured();
      // Who asks has heard of each connection then, and counts agree with what is listed.
      batches.flush();
      tell({ kind: 'connections', question, records: connections(), capture });
      return;
    }
    case 'drain':
      await (await proxy).drain(message.deadlineMs);
      batches.flush();
      tell({ kind: 'drained' });
      port.close();
  }
}
