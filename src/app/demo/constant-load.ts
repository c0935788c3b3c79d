import { Agent, get } from 'node:http';

export interface LoadResult {
  readonly requests: number;
  readonly failures: readonly string[];
  readonly slowestMs: number;
}

export interface ConstantLoad {
  readonly requests: number;
  readonly failures: number;
  stop(): Promise<LoadResult>;
}

export interface LoadOptions {
  readonly url: string;
  /** Started a second, whether or not earlier ones have been answered. */
  readonly requestsPerSecond: number;
  /** A request that took longer has failed. Default 5 s. */
  readonly timeoutMs?: number;
}

const MOST_FAILURES_KEPT = 20;

/** GETs `url` at a steady rate until stopped; every answer but 200 is a failure. */
export function startConstantLoad(options: LoadOptions): ConstantLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const inFlight = new Set<Promise<void>>();
  const failures: string[] = [];
  let requests = 0;
  let failed = 0;
  let slowestMs = 0;

  const timer = setInterval(() => {
    const sent = once(options, agent).then(
      (tookMs) => {
        requests += 1;
        slowestMs = Math.max(slowestMs, tookMs);
      },
      (error: Error) => {
        requests += 1;
        failed += 1;
        if (failures.length < MOST_FAILURES_KEPT) failures.push(error.message);
      },
    );
    inFlight.add(sent);
    void sent.then(() => inFlight.delete(sent));
  }, 1_000 / options.requestsPerSecond);

  return {
    get requests() {
      return requests;
    },
    get failures() {
      return failed;
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(inFlight);
      agent.destroy();
      return { requests, failures, slowestMs };
    },
  };
}

function once({ url, timeoutMs = 5_000 }: LoadOptions, agent: Agent): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) return resolve(performance.now() - startMs);
        reject(new Error(`${response.statusCode} ${Buffer.concat(chunks).toString().trim()}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on('error', reject);
  });
}

/** Runs `work` under a constant load, which ends with it however it ends. */
export async function underLoad(
  options: LoadOptions,
  work: (load: ConstantLoad) => Promise<void>,
): Promise<LoadResult> {
  const load = startConstantLoad(options);
  try {
    await work(load);
  } finally {
    await load.stop();
  }
  return load.stop();
}
