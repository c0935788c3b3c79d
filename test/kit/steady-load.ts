import type { Address } from '../../src/proxy/address.ts';
import { ask, dial } from './proxy-pair.ts';

/** Requests without a pause, each on a connection of its own. */
export interface SteadyLoad {
  readonly requests: number;
  /** Why each failed request did. */
  readonly failures: readonly string[];
  stop(): Promise<void>;
}

const LONGEST_REQUEST_MS = 10_000;

/** Asks the echo server behind `address`, `clients` at a time, until it is stopped. */
export function steadyLoad(address: Address, clients: number = 4): SteadyLoad {
  const failures: string[] = [];
  let requests = 0;
  let stopped = false;
  const client = async (): Promise<void> => {
    while (!stopped) {
      requests += 1;
      const text = `request ${requests}`;
      try {
        const answer = await request(address, text);
        if (answer !== text) failures.push(`${text}: answered "${answer}"`);
      } catch (error) {
        failures.push(`${text}: ${String(error)}`);
      }
    }
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  return {
    get requests() {
      return requests;
    },
    failures,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

async function request(address: Address, text: string): Promise<string> {
  const socket = await dial(address);
  const late = setTimeout(() => socket.destroy(new Error('no answer')), LONGEST_REQUEST_MS);
  try {
    return await ask(socket, text);
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}
