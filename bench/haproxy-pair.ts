import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listening } from './listening.ts';
import type { PeerMode, RunningPair, StartPair } from './pair-kind.ts';
import type { Program } from './program-group.ts';
import type { Stage } from './stage.ts';

/** HAProxy on both sides, one thread each, with its defaults where nothing is said. */
export function haproxyPair(mode: PeerMode, resumption: boolean): StartPair {
  return (stage) => start(stage, mode, resumption);
}

async function start(stage: Stage, mode: PeerMode, resumption: boolean): Promise<RunningPair> {
  const name = mode === 'tcp' ? 'haproxy' : 'haproxy-http';
  const [port = 0, tlsPort = 0] = await stage.ports(2);
  const { ca, caller, callee, calleeName } = stage.certificates;
  const calleeProgram = startHaproxy(
    stage,
    { name: `${name}-callee`, mode },
    `listen callee
       bind 127.0.0.1:${tlsPort} backlog 4096 ssl crt ${callee.chainAndKey} ca-file ${ca} verify required ssl-min-ver TLSv1.3${resumption ? '' : ' no-tls-tickets'}
       server application 127.0.0.1:${stage.application.port}`,
  );
  const callerProgram = startHaproxy(
    stage,
    { name: `${name}-caller`, mode },
    `listen caller
       bind 127.0.0.1:${port} backlog 4096
       server callee 127.0.0.1:${await stage.wayTo(tlsPort)} ssl crt ${caller.chainAndKey} ca-file ${ca} verify required verifyhost ${calleeName} sni str(${calleeName}) ssl-min-ver TLSv1.3${resumption ? '' : ' no-ssl-reuse'}`,
  );
  await listening(`${name}, the callee's,`, tlsPort, [calleeProgram]);
  await listening(`${name}, the caller's,`, port, [callerProgram]);
  const client = { ...caller, alpn: [] };
  return { name, port, tlsPort, client, caller: callerProgram, callee: calleeProgram };
}

function startHaproxy(
  stage: Stage,
  { name, mode }: { readonly name: string; readonly mode: PeerMode },
  proxy: string,
): Program {
  const file = join(stage.directory, `${name}.cfg`);
  writeFileSync(
    file,
    `global
       nbthread 1
       maxconn 4096
     defaults
       mode ${mode}
       timeout connect 5s
       timeout client 1h
       timeout server 1h
     ${proxy}\n`,
  );
  const { tools, programs, environment } = stage;
  // In the foreground and without a master: the one process that carries the traffic.
  return programs.start({
    name,
    command: tools.haproxy,
    args: ['-db', '-f', file],
    env: environment,
  });
}
