import { fileURLToPath } from 'node:url';
import { listening } from './listening.ts';
import type { PairName, StartPair } from './pair-kind.ts';

const relay = fileURLToPath(new URL('stage-relay.ts', import.meta.url));

/** How much of a sidecar: bytes alone, TLS for each connection, or streams of one TLS session. */
export type StageName = 'splice' | 'tls' | 'hbone';

/** Two processes that do a part of what sidecars do, with the same code and no more. */
export function stagePair(what: StageName): StartPair {
  return async (stage) => {
    const [port = 0, between = 0] = await stage.ports(2);
    const { ca, caller, callee, calleeName } = stage.certificates;
    const start = (side: string, from: number, to: number, files: readonly string[]) =>
      stage.programs.start({
        name: `stage-${what}-${side}`,
        command: process.execPath,
        args: [relay, what, side, String(from), String(to), ...files],
        env: stage.environment,
      });
    const server = start('callee', between, stage.application.port, [
      ...[callee.chain, callee.key, ca],
    ]);
    await listening(`the callee's ${what}`, between, [server]);
    const client = start('caller', port, await stage.wayTo(between), [
      ...[caller.chain, caller.key, ca, calleeName],
    ]);
    await listening(`the caller's ${what}`, port, [client]);
    const name: PairName = `stage-${what}`;
    const tls = what === 'splice' ? undefined : between;
    const shown = what === 'splice' ? undefined : { ...caller, alpn: ['h2'] };
    return { name, port, tlsPort: tls, client: shown, caller: client, callee: server };
  };
}
