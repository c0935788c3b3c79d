import { listening } from './listening.ts';
import { nginxConfig } from './nginx-config.ts';
import type { PeerMode, RunningPair, StartPair } from './pair-kind.ts';
import type { Program } from './program-group.ts';
import type { Stage } from './stage.ts';

/** nginx on both sides, one worker each, with Debian's defaults where nothing is said. */
export function nginxPair(mode: PeerMode, resumption: boolean): StartPair {
  return (stage) => start(stage, mode, resumption);
}

async function start(stage: Stage, mode: PeerMode, resumption: boolean): Promise<RunningPair> {
  const [port = 0, tlsPort = 0] = await stage.ports(2);
  const { ca, caller, callee, calleeName } = stage.certificates;
  const name = mode === 'tcp' ? 'nginx' : 'nginx-http';
  const startNginx = (side: string, server: string, upstream: string): Program => {
    const modules = mode === 'tcp' ? [stage.tools.nginxStream] : [];
    const body =
      mode === 'tcp' ? streamBlock(server, upstream) : httpBlock(stage, server, upstream);
    const program = `${name}-${side}`;
    return stage.programs.start({
      name: program,
      ...nginxConfig(stage, { name: program, modules, body }),
    });
  };
  const calleeProgram = startNginx(
    'callee',
    `listen 127.0.0.1:${tlsPort} ssl backlog=4096;
     ssl_protocols TLSv1.3;
     ssl_certificate ${callee.chain};
     ssl_certificate_key ${callee.key};
     ssl_client_certificate ${ca};
     ssl_verify_client on;
     ssl_verify_depth 2;
     ssl_session_tickets ${resumption ? 'on' : 'off'};`,
    `127.0.0.1:${stage.application.port}`,
  );
  const ssl = `
     proxy_ssl_protocols TLSv1.3;
     proxy_ssl_certificate ${caller.chain};
     proxy_ssl_certificate_key ${caller.key};
     proxy_ssl_trusted_certificate ${ca};
     proxy_ssl_verify on;
     proxy_ssl_verify_depth 2;
     proxy_ssl_name ${calleeName};
     proxy_ssl_server_name on;
     proxy_ssl_session_reuse ${resumption ? 'on' : 'off'};`;
  const callerProgram = startNginx(
    'caller',
    `listen 127.0.0.1:${port} backlog=4096; ${mode === 'tcp' ? 'proxy_ssl on;' : ''} ${ssl}`,
    `127.0.0.1:${await stage.wayTo(tlsPort)}`,
  );
  await listening(`${name}, the callee's,`, tlsPort, [calleeProgram]);
  await listening(`${name}, the caller's,`, port, [callerProgram]);
  const client = { ...caller, alpn: [] };
  return { name, port, tlsPort, client, caller: callerProgram, callee: calleeProgram };
}

function streamBlock(server: string, upstream: string): string {
  return `stream { server { ${server} proxy_pass ${upstream}; } }`;
}

/** Connections to the upstream are kept, and bodies stay in memory, as anybody would have it. */
function httpBlock({ directory }: Stage, server: string, upstream: string): string {
  const scheme = server.includes('proxy_ssl_name') ? 'https' : 'http';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${directory}/tmp;`)
    .join(' ');
  return `http {
    access_log off; ${temporary}
    proxy_max_temp_file_size 0;
    keepalive_requests 1000000000; keepalive_timeout 1h;
    upstream next { server ${upstream}; keepalive 512; keepalive_requests 1000000000; }
    server { ${server}
      location / {
        proxy_pass ${scheme}://next;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
      }
    }
  }`;
}
