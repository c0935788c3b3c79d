import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { ServedClientsService } from '../../gen/hauberk/identity/v1/served_clients_pb.js';
import type { Clock } from '../../lib/clock.ts';
import type { Task } from '../../lib/tasks.ts';
import { WatchableValue } from '../../lib/watchable.ts';
import type { LaggingClient, ServedClients } from '../socket/served-clients.ts';

export interface LagReportOptions {
  readonly clients: Pick<ServedClients, 'lagging' | 'changes'>;
  readonly clock: Clock;
  /** Throws when the control plane could not be told. Default: calls it. */
  readonly send?: (
    transport: Transport,
    lagging: readonly LaggingClient[],
    signal: AbortSignal,
  ) => Promise<void>;
}

/** So long a program may take without anybody being told. */
const GRACE_MS = 2_000;
const LOOK_MS = 1_000;
const REST_MS = 3_600_000;
const CALL_TIMEOUT_MS = 5_000;
const MOST_REPORTED = 64;
const LONGEST_NAME = 256;
const LONGEST_LACK = 512;
const NOBODY = '[]';

/**
 * Tells the control plane which of the programs that this agent serves are behind it. What the mesh's
 * trust is made of is acknowledged only when `settled` resolves: then all of them hold it, or the
 * control plane knows who does not. An agent all of whose programs keep up says nothing.
 */
export class LagReport {
  readonly #options: LagReportOptions;
  #transport: Transport | undefined;
  /** What the control plane was told on the present link. */
  readonly #told = new WatchableValue(NOBODY);
  #wake = new AbortController();

  constructor(options: LagReportOptions) {
    this.#options = options;
  }

  /** A new link: the control plane has forgotten what it was told on the one before. */
  use(transport: Transport): void {
    this.#transport = transport;
    this.#told.set(NOBODY);
    this.#wake.abort();
  }

  /** Resolves when all who are served hold what the agent holds, or the control plane was told who does not. */
  settled(): Promise<void> {
    const { clients } = this.#options;
    const transport = this.#transport;
    const isSettled = (): boolean => {
      const now = this.#text();
      // What came on a link that was replaced is acknowledged by nobody.
      return now === NOBODY || now === this.#told.current || transport !== this.#transport;
    };
    if (isSettled()) return Promise.resolve();
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isSettled()) return;
        for (const stop of stops) stop();
        resolve();
      };
      const stops = [clients.changes.subscribe(look), this.#told.subscribe(look)];
    });
  }

  readonly run: Task = async (signal) => {
    const { clients, clock } = this.#options;
    const stop = clients.changes.subscribe(() => this.#wake.abort());
    let untoldSinceMs: number | undefined;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const now = this.#text();
      if (now === this.#told.current || this.#transport === undefined) untoldSinceMs = undefined;
      else {
        untoldSinceMs ??= clock.elapsedMs();
        // That nobody lags any more is good news, for which somebody waits.
        const isDue = now === NOBODY || clock.elapsedMs() >= untoldSinceMs + GRACE_MS;
        if (isDue) await this.#tell(this.#transport, now, signal);
      }
      const restMs = now === NOBODY && now === this.#told.current ? REST_MS : LOOK_MS;
      await clock.sleep(restMs, AbortSignal.any([signal, this.#wake.signal]));
    }
    stop();
  };

  #text(): string {
    return JSON.stringify(this.#options.clients.lagging().slice(0, MOST_REPORTED));
  }

  async #tell(transport: Transport, text: string, signal: AbortSignal): Promise<void> {
    const { send = report } = this.#options;
    try {
      await send(transport, JSON.parse(text) as readonly LaggingClient[], signal);
    } catch {
      // That the control plane is away is told by the discovery stream; here it is tried again.
      return;
    }
    if (transport === this.#transport) this.#told.set(text);
  }
}

async function report(
  transport: Transport,
  lagging: readonly LaggingClient[],
  signal: AbortSignal,
): Promise<void> {
  const client = createClient(ServedClientsService, transport);
  const bounded = lagging.map(({ name, lacks }) => ({
    name: name.slice(0, LONGEST_NAME),
    lacks: lacks.slice(0, LONGEST_LACK),
  }));
  try {
    await client.reportLagging({ lagging: bounded }, { signal, timeoutMs: CALL_TIMEOUT_MS });
  } catch (error) {
    // A control plane that is older than this call waits for nobody behind an agent.
    if (ConnectError.from(error).code !== Code.Unimplemented) throw error;
  }
}
