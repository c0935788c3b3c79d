import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listening } from './listening.ts';
import type { RunningPair, StartPair } from './pair-kind.ts';
import type { Program } from './program-group.ts';
import type { Stage } from './stage.ts';

/** HAProxy in TCP mode on both sides, one thread each, with its defaults where nothing is said. */
export function haproxyPair(resumption: boolean): StartPair {
  return (stage) => start(stage, resumption);
}

async function start(stage: Stage, resumption: boolean): Promise<RunningPair> {
  const [port = 0, tlsPort = 0] = await stage.ports(2);
  const { ca, caller, callee, calleeName } = stage.certificates;
  const calleeProgram = startHaproxy(
    stage,
    'haproxy-callee',
    `listen callee
       bind 127.0.0.1:${tlsPort} backlog 4096 ssl crt ${callee.chainAndKey} ca-file ${ca} verify required ssl-min-ver TLSv1.3${resumption ? '' : ' no-tls-tickets'}
       server application 127.0.0.1:${stage.application.port}`,
  );
  const callerProgram = startHaproxy(
    stage,
    'haproxy-caller',
    `listen caller
       bind 127.0.0.1:${port} backlog 4096
       server callee 127.0.0.1:${tlsPort} ssl crt ${caller.chainAndKey} ca-file ${ca} verify required verifyhost ${calleeName} sni str(${calleeName}) ssl-min-ver TLSv1.3${resumption ? '' : ' no-ssl-reuse'}`,
  );
  await listening("HAProxy, the callee's,", tlsPort, [calleeProgram]);
  await listening("HAProxy, the caller's,", port, [callerProgram]);
  return { name: 'haproxy', port, tlsPort, caller: callerProgram, callee: calleeProgram };
}

function startHaproxy(stage: Stage, name: string, proxy: string): Program {
  const file = join(stage.directory, `${name}.cfg`);
  writeFileSync(
    file,
    `global
       nbthread 1
       maxconn 4096
     defaults
       mode tcp
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
