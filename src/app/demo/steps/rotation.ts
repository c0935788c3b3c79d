import { setTimeout as delay } from 'node:timers/promises';
import { underLoad } from '../constant-load.ts';
import { type LastingConnection, openLastingConnection } from '../lasting-connection.ts';
import { type ServiceName, serviceNames } from '../shop.ts';
import type { Stage } from '../stage.ts';
import type { Findings, Step } from '../step.ts';
import { until } from '../until.ts';

const LIFETIME_MS = 10_000;
const PACE_MS = 250;
const LONGEST_WAIT_MS = 30_000;

/** Certificates of ten seconds, replaced while requests flow and a connection stays open. */
export const rotation: Step = {
  id: 'rotation',
  title: 'certificates rotate under load: no request fails, an open connection goes on',
  async run(stage, findings) {
    findings.note('$ hauberk apply -f examples/shop/policies/short-lived.yaml');
    await stage.apply('short-lived.yaml');
    await until('every certificate lasts 10 s', () =>
      everyLifetime(stage, (ms) => ms <= LIFETIME_MS),
    );
    const first = await identities(stage);
    const connection = await openLastingConnection(
      stage.ports.services.frontend.outbound.products ?? 0,
    );
    const options = { url: stage.frontPage, requestsPerSecond: 50 };
    const { requests, failures, slowestMs } = await underLoad(options, async () => {
      await seeTwoRotations(stage, first, connection);
    }).finally(() => connection.close());
    await compare(stage, first, findings);
    findings.note(
      `${requests} requests, ${failures.length} failed, slowest ${Math.round(slowestMs)} ms`,
    );
    findings.check(
      'no request failed',
      requests > 0 && failures.length === 0,
      failures[0] ?? `${requests} requests`,
    );
    describe(connection, first, findings);
    await restore(stage, findings);
  },
};

/** Until each certificate was renewed twice and those of the beginning have expired. */
async function seeTwoRotations(
  stage: Stage,
  first: Identities,
  connection: LastingConnection,
): Promise<void> {
  const over = async (): Promise<boolean> => {
    const now = await identities(stage);
    return serviceNames.every(
      (name) =>
        now[name].received >= first[name].received + 2 && Date.now() > first[name].notAfterMs,
    );
  };
  await until(
    'two rotations and the end of the first certificates',
    async () => {
      await connection.request('/products');
      await delay(PACE_MS);
      return over();
    },
    LONGEST_WAIT_MS,
  );
  await connection.request('/products');
}

async function compare(stage: Stage, first: Identities, findings: Findings): Promise<void> {
  const last = await identities(stage);
  for (const name of serviceNames) {
    const [before, after] = [first[name], last[name]];
    findings.note(
      `${name}: serial ${before.serial} -> ${after.serial}, renewed ${after.received - before.received} times`,
    );
    const another = before.serial !== after.serial;
    findings.check(`${name} has another certificate`, another, after.serial);
  }
}

function describe(
  { openForMs, lastAnswerAtMs, answers }: LastingConnection,
  { frontend, products }: Identities,
  findings: Findings,
): void {
  const seconds = Math.round(openForMs / 100) / 10;
  findings.note(
    `one TCP connection through the mesh: open for ${seconds} s, ${answers.length} requests, longer than the certificates it began with`,
  );
  const outlived = lastAnswerAtMs > Math.max(frontend.notAfterMs, products.notAfterMs);
  findings.check(
    'a connection opened before goes on after',
    outlived && answers.length > 1 && answers.every((status) => status === 200),
    `${answers.length} answers on one connection in ${seconds} s`,
  );
}

async function restore(stage: Stage, findings: Findings): Promise<void> {
  findings.note('$ hauberk apply -f examples/shop/policies/shop.yaml');
  await stage.apply('shop.yaml');
  const restored = await until('certificates last long again', () =>
    everyLifetime(stage, (ms) => ms > LIFETIME_MS),
  );
  findings.check('the lifetime is a setting that takes effect at once', restored, '24h again');
}

type Identities = Readonly<Record<ServiceName, Awaited<ReturnType<Stage['status']>>['identity']>>;

async function identities(stage: Stage): Promise<Identities> {
  const entries = serviceNames.map(async (name) => [name, (await stage.status(name)).identity]);
  return Object.fromEntries(await Promise.all(entries)) as Identities;
}

async function everyLifetime(stage: Stage, good: (ms: number) => boolean): Promise<boolean> {
  const all = Object.values(await identities(stage));
  return all.every(({ issuedAtMs, notAfterMs }) => good(notAfterMs - issuedAtMs));
}
