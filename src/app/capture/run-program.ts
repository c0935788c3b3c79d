import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { MeshError, messageOf } from '../../lib/errors.ts';
import { type Address, formatAddress } from '../../proxy/address.ts';
import type { RunningProxy } from '../../proxy/proxy.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { runSidecar } from '../sidecar/sidecar.ts';
import type { SidecarConfig } from '../sidecar/sidecar-config.ts';
import { programRules } from './program-rules.ts';
import { type ProgramSpec, type StartedProgram, startProgram } from './start-program.ts';

/** A program and the sidecar that it is to have. */
export interface RunConfig {
  readonly sidecar: SidecarConfig;
  /** Whose identity the program is meant to have. */
  readonly account: { readonly namespace: string; readonly serviceAccount: string };
  readonly program: Omit<ProgramSpec, 'extraEnv' | 'cgroup'>;
  /** How long the sidecar may take to get ready, in milliseconds. */
  readonly startTimeoutMs: number;
}

interface Ready {
  readonly id: SpiffeId;
  readonly bound: RunningProxy['bound'];
}

/**
 * Runs a sidecar, then the program, then drains the sidecar, and gives the program's exit code
 * (128 and the signal's number where a signal ended it). The program is not started before the
 * sidecar is ready, and not left running without it.
 *
 * @param onSignal is given a function that passes a signal to the program, or stops the start
 * @throws {MeshError} ERR_UNREACHABLE when the sidecar does not get ready in time, and what the
 *   sidecar throws.
 */
export async function runProgram(
  config: RunConfig,
  onSignal: (pass: (signal: NodeJS.Signals) => void) => void,
): Promise<number> {
  await mustBeFree(config.sidecar.hbone);
  const stopping = new AbortController();
  let program: StartedProgram | undefined;
  onSignal((signal) => {
    if (program === undefined) stopping.abort();
    else program.kill(signal);
  });
  const started = startSidecar(config, stopping.signal);
  const rules = programRules(config.sidecar);
  try {
    const { bound } = await started.ready;
    checkIdentity(config, (await started.ready).id);
    const cgroup = await rules.up();
    if (stopping.signal.aborted) throw stoppedBefore();
    program = await startProgram({
      ...config.program,
      cgroup,
      extraEnv: environmentFor(config.sidecar, bound),
    });
    return await untilOver(program, started.ended, config.sidecar.drainTimeoutMs);
  } finally {
    // The program is gone here; only now may the rules go, for without them it would speak plaintext.
    await rules.down();
    stopping.abort();
    await started.ended.catch(() => undefined);
  }
}

/** A sidecar that is there already would share the port, and with it the connections of its peers. */
async function mustBeFree(address: Address): Promise<void> {
  const server = createServer();
  try {
    await once(server.listen({ ...address, exclusive: true }), 'listening');
  } catch (cause) {
    const where = formatAddress(address);
    const text = `cannot listen on ${where} for HBONE (${messageOf(cause)}): give this sidecar another port with --hbone`;
    throw new MeshError('ERR_LISTEN', text, { cause });
  } finally {
    server.close();
  }
}

interface Starting {
  readonly ready: Promise<Ready>;
  /** Settles when the sidecar has ended. */
  readonly ended: Promise<void>;
}

function startSidecar(config: RunConfig, signal: AbortSignal): Starting {
  const { promise: ready, resolve: isReady, reject } = Promise.withResolvers<Ready>();
  const { controlPlane } = config.sidecar;
  let lastReason = `the control plane at ${formatAddress(controlPlane)} has not answered yet`;
  const hooks = {
    ready: isReady,
    notEnrolled: (reason: string) => {
      lastReason = reason;
    },
  };
  const tooLong = (): void => {
    const text = `the sidecar was not ready within ${config.startTimeoutMs} ms, so the program was not started: ${lastReason}`;
    reject(new MeshError('ERR_UNREACHABLE', text));
  };
  const timer = setTimeout(tooLong, config.startTimeoutMs);
  const ended = runSidecar({ ...config.sidecar, hooks }, signal).then(
    () => reject(stoppedBefore()),
    (error: unknown) => {
      if (signal.aborted) return reject(stoppedBefore());
      reject(
        new MeshError('ERR_UNREACHABLE', `the program was not started: ${messageOf(error)}`, {
          cause: error,
        }),
      );
      throw error;
    },
  );
  ended.catch(() => undefined);
  return { ready: ready.finally(() => clearTimeout(timer)), ended };
}

function stoppedBefore(): MeshError {
  return new MeshError('ERR_UNREACHABLE', 'stopped before the program was started');
}

function checkIdentity({ account }: RunConfig, id: SpiffeId): void {
  const { namespace, serviceAccount } = account;
  const { workload } = id;
  if (workload?.namespace === namespace && workload.serviceAccount === serviceAccount) return;
  throw new MeshError(
    'ERR_UNREACHABLE',
    `the program was not started: the token is for "${id}" and not for ${namespace}/${serviceAccount}`,
  );
}

/**
 * The program's exit code; where the sidecar ends first, the program is ended too, at once when it has
 * not gone by itself within `graceMs`.
 */
async function untilOver(
  program: StartedProgram,
  sidecar: Promise<void>,
  graceMs: number,
): Promise<number> {
  const over = await Promise.race([
    program.exited.then((code) => ({ code })),
    sidecar.then(
      () => ({ why: 'it stopped' }),
      (error: unknown) => ({ why: messageOf(error) }),
    ),
  ]);
  if ('code' in over) return over.code;
  program.kill('SIGTERM');
  const tooLong = setTimeout(() => program.kill('SIGKILL'), graceMs);
  await program.exited;
  clearTimeout(tooLong);
  throw new MeshError('ERR_UNREACHABLE', `the sidecar ended before the program: ${over.why}`);
}

/** How the program finds the mesh; nothing of it is a secret. */
function environmentFor(
  { spiffeSocket, capture }: SidecarConfig,
  { capture: listeners }: RunningProxy['bound'],
): Readonly<Record<string, string>> {
  const proxies = [capture?.httpProxy, capture?.socks].filter((each) => each !== undefined).length;
  const bound = listeners.slice(listeners.length - proxies);
  const http = capture?.httpProxy === undefined ? undefined : bound[0];
  const socks = capture?.socks === undefined ? undefined : bound.at(-1);
  const variables = {
    ...(http === undefined
      ? {}
      : {
          http_proxy: `http://${formatAddress(http)}`,
          https_proxy: `http://${formatAddress(http)}`,
        }),
    // Names are looked up by the sidecar: the h says so.
    ...(socks === undefined ? {} : { all_proxy: `socks5h://${formatAddress(socks)}` }),
    ...(proxies === 0 ? {} : { no_proxy: 'localhost,127.0.0.1,::1' }),
  };
  const upper = Object.entries(variables).map(([name, value]) => [name.toUpperCase(), value]);
  return {
    ...variables,
    ...(Object.fromEntries(upper) as Record<string, string>),
    SPIFFE_ENDPOINT_SOCKET: `unix://${resolve(spiffeSocket.path)}`,
  };
}
