import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  CredentialService,
  type NamedCredential,
} from '../../gen/hauberk/credentials/v1/credentials_pb.js';
import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Task } from '../../lib/tasks.ts';
import { type Watchable, WatchableValue } from '../../lib/watchable.ts';
import type { MeshFacts } from '../../policy/mesh-facts.ts';
import type { HeldCredential, HeldCredentials } from '../../policy/upstream/held-credentials.ts';
import { namedCredentials } from '../../policy/upstream/named-credentials.ts';
import type { Workload } from '../../policy/workload.ts';

export interface ReceivedCredentialsOptions {
  readonly facts: Watchable<MeshFacts>;
  readonly workload: Watchable<Workload>;
  readonly clock: Clock;
}

/** As many as the control plane answers at once. */
const MOST_NAMES = 64;
const RETRY = { firstMs: 200, maxMs: 30_000 };
const REST_MS = 3_600_000;
const TOO_OLD = 'the control plane is older than credentialName; upgrade it';

/**
 * The credentials that rules name for this workload, as the control plane gives them, in memory only.
 * Nothing is asked for, and no stream is open, while no rule names one. Those held stay while the control
 * plane is away, and go when no rule names them any more.
 */
export class ReceivedCredentials {
  readonly #options: ReceivedCredentialsOptions;
  readonly #held = new WatchableValue<HeldCredentials>(new Map());
  #transport: Transport | undefined;
  #wake = new AbortController();

  constructor(options: ReceivedCredentialsOptions) {
    this.#options = options;
  }

  /** Swapped whole with each change. */
  get held(): Watchable<HeldCredentials> {
    return this.#held;
  }

  /** Asks over this connection from now on. */
  use(transport: Transport): void {
    this.#transport = transport;
    this.#wake.abort();
  }

  readonly run: Task = async (signal) => {
    const { facts, workload, clock } = this.#options;
    let names = this.#names();
    const look = (): void => {
      const now = this.#names();
      if (JSON.stringify(now) === JSON.stringify(names)) return;
      names = now;
      this.#wake.abort();
    };
    const stops = [
      facts.subscribe((next, before) => {
        if (next.destinationRules !== before.destinationRules) look();
      }),
      workload.subscribe(look),
    ];
    let failures = 0;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const until = AbortSignal.any([signal, this.#wake.signal]);
      this.#keepOnly(names);
      const transport = this.#transport;
      const isIdle = transport === undefined || names.length === 0;
      if (!isIdle) failures = (await this.#follow(transport, names, until)) ? 0 : failures + 1;
      await clock.sleep(isIdle ? REST_MS : backoffMs(failures + 1, RETRY), until);
    }
    for (const stop of stops) stop();
  };

  #names(): readonly string[] {
    const { facts, workload } = this.#options;
    return namedCredentials(facts.current.destinationRules, workload.current)
      .map(({ name }) => name)
      .slice(0, MOST_NAMES);
  }

  #keepOnly(names: readonly string[]): void {
    const before = this.#held.current;
    const kept = new Map([...before].filter(([name]) => names.includes(name)));
    if (kept.size < before.size) this.#held.set(kept);
  }

  /** Until the stream ends; whether anything came on it. */
  async #follow(
    transport: Transport,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<boolean> {
    let answered = false;
    try {
      const client = createClient(CredentialService, transport);
      for await (const { credentials } of client.follow({ names: [...names] }, { signal })) {
        if (signal.aborted) break;
        answered = true;
        this.#held.set(new Map(credentials.map((each) => [each.name, heldOf(each)])));
      }
    } catch (error) {
      // That the control plane is away is told by the discovery stream; what is held stays.
      if (ConnectError.from(error).code === Code.Unimplemented) {
        this.#held.set(new Map(names.map((name) => [name, { problem: TOO_OLD }])));
      }
    }
    return answered;
  }
}

function heldOf(answer: NamedCredential): HeldCredential {
  const { certificate, privateKey, authorities, revocationList, problem } = answer;
  if (problem !== '') return { problem };
  const given = (text: string): string | undefined => (text === '' ? undefined : text);
  return {
    credential: {
      certificate: given(certificate),
      privateKey: given(privateKey),
      authorities: given(authorities),
      revocationList: given(revocationList),
    },
  };
}
