import { listening } from './listening.ts';
import { nginxConfig } from './nginx-config.ts';
import type { RunningPair, StartPair } from './pair-kind.ts';
import type { Program } from './program-group.ts';
import type { Stage } from './stage.ts';

/** nginx `stream` on both sides, one worker each, with Debian's defaults where nothing is said. */
export function nginxPair(resumption: boolean): StartPair {
  return (stage) => start(stage, resumption);
}

async function start(stage: Stage, resumption: boolean): Promise<RunningPair> {
  const [port = 0, tlsPort = 0] = await stage.ports(2);
  const { ca, caller, callee, calleeName } = stage.certificates;
  const startNginx = (name: string, server: string): Program => {
    const modules = [stage.tools.nginxStream];
    const body = `stream { server { ${server} } }`;
    return stage.programs.start({ name, ...nginxConfig(stage, { name, modules, body }) });
  };
  const calleeProgram = startNginx(
    'nginx-callee',
    `listen 127.0.0.1:${tlsPort} ssl backlog=4096;
     ssl_protocols TLSv1.3;
     ssl_certificate ${callee.chain};
     ssl_certificate_key ${callee.key};
     ssl_client_certificate ${ca};
     ssl_verify_client on;
     ssl_verify_depth 2;
     ssl_session_tickets ${resumption ? 'on' : 'off'};
     proxy_pass 127.0.0.1:${stage.application.port};`,
  );
  const callerProgram = startNginx(
    'nginx-caller',
    `listen 127.0.0.1:${port} backlog=4096;
     proxy_pass 127.0.0.1:${tlsPort};
     proxy_ssl on;
     proxy_ssl_protocols TLSv1.3;
     proxy_ssl_certificate ${caller.chain};
     proxy_ssl_certificate_key ${caller.key};
     proxy_ssl_trusted_certificate ${ca};
     proxy_ssl_verify on;
     proxy_ssl_verify_depth 2;
     proxy_ssl_name ${calleeName};
     proxy_ssl_server_name on;
     proxy_ssl_session_reuse ${resumption ? 'on' : 'off'};`,
  );
  await listening("nginx, the callee's,", tlsPort, [calleeProgram]);
  await listening("nginx, the caller's,", port, [callerProgram]);
  return { name: 'nginx', port, tlsPort, caller: callerProgram, callee: calleeProgram };
}
