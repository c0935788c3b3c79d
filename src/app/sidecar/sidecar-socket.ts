import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  decodeIdentity,
  encodeIdentity,
  type IdentityText,
} from '../../agent/identity/identity-text.ts';
import { MeshError } from '../../lib/errors.ts';
import { callJsonSocket } from '../../lib/json-socket-call.ts';
import { type JsonRoute, serveJsonSocket } from '../../lib/json-socket-server.ts';
import type { Task } from '../../lib/tasks.ts';
import type { Identity } from '../../spiffe/identity.ts';
import type { SidecarStatus } from './sidecar-status.ts';

/** Where the sidecar of a state directory answers its owner. */
function sidecarSocketPath(stateDir: string): string {
  return join(stateDir, 'agent.sock');
}

/** What a sidecar leaves to its successor. */
export interface Handover {
  readonly identity: Identity;
  /** Of the workloads that it served beside its own, by registration. */
  readonly registered: ReadonlyMap<string, Identity>;
}

type HandoverText = IdentityText & {
  readonly registered: Readonly<Record<string, Partial<IdentityText>>>;
};

/**
 * The identities of the sidecar that runs on the same state directory, if one does. They go from
 * memory to memory over a socket that only its owner may open, which is how a restart works without
 * a control plane.
 */
export async function identitiesOfPredecessor(stateDir: string): Promise<Handover | undefined> {
  try {
    const call = { method: 'POST', path: '/v1/handover' } as const;
    const { registered = {}, ...own } = await callJsonSocket<Partial<HandoverText>>(
      sidecarSocketPath(stateDir),
      call,
      String,
    );
    const others = Object.entries(registered);
    return {
      identity: decodeIdentity(own),
      registered: new Map(others.map(([key, text]) => [key, decodeIdentity(text)])),
    };
  } catch (error) {
    if (MeshError.is(error, 'ERR_UNREACHABLE')) return undefined;
    throw error;
  }
}

const LEAVE_POLLS = 100;
const LEAVE_POLL_MS = 50;

/** Tells the predecessor to drain, and returns once it has let go of the socket. */
export async function dismissPredecessor(stateDir: string): Promise<void> {
  const path = sidecarSocketPath(stateDir);
  await callJsonSocket(path, { method: 'POST', path: '/v1/drain' }, String);
  for (let poll = 0; poll < LEAVE_POLLS; poll += 1) {
    const answers = await readStatus(stateDir).then(
      () => true,
      () => false,
    );
    if (!answers) return;
    await delay(LEAVE_POLL_MS);
  }
  throw new MeshError(
    'ERR_LISTEN',
    `the sidecar before this one does not let go of ${path}; stop it`,
  );
}

/** @throws {MeshError} ERR_UNREACHABLE when no sidecar runs on `stateDir`. */
export function readStatus(stateDir: string): Promise<SidecarStatus> {
  return callJsonSocket<SidecarStatus>(
    sidecarSocketPath(stateDir),
    { method: 'GET', path: '/v1/status' },
    (reason) => `no sidecar answers on the state directory "${stateDir}" (${reason})`,
  );
}

export interface SidecarSocketOptions {
  readonly stateDir: string;
  readonly identity: () => Identity;
  /** Those of other workloads, by registration. */
  readonly registered: () => ReadonlyMap<string, Identity>;
  readonly status: () => Promise<SidecarStatus>;
  /** Called when a successor has taken over. */
  readonly drain: () => void;
}

/** Serves status and takeover on the state directory's socket (0600). */
export function serveSidecarSocket(options: SidecarSocketOptions): Promise<Task> {
  const routes: Readonly<Record<string, JsonRoute>> = {
    'GET /v1/status': () => options.status(),
    'POST /v1/handover': async (): Promise<HandoverText> => ({
      ...encodeIdentity(options.identity()),
      registered: Object.fromEntries(
        [...options.registered()].map(([key, identity]) => [key, encodeIdentity(identity)]),
      ),
    }),
    'POST /v1/drain': async () => {
      // After the answer is out: what follows closes this socket.
      setImmediate(options.drain);
      return {};
    },
  };
  return serveJsonSocket({ socketPath: sidecarSocketPath(options.stateDir), routes });
}
