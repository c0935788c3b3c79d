import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { callAdmin } from '../src/app/admin-client.ts';
import { runCli } from '../src/app/demo/run-cli.ts';
import { until } from '../src/app/demo/until.ts';
import { readStatus } from '../src/app/sidecar/sidecar-socket.ts';
import { benchToken } from './bench-token.ts';
import type { RequestCheck, StartPair } from './pair-kind.ts';
import type { Program } from './program-group.ts';
import type { Stage } from './stage.ts';

const mesh = fileURLToPath(new URL('mesh.yaml', import.meta.url));

interface Side {
  readonly account: 'caller' | 'callee';
  readonly args: readonly string[];
  readonly hbone: number;
}

export interface HauberkOptions {
  /** Path of `bin/hauberk`. */
  readonly binary: string;
  /** Directory to which each sidecar writes a CPU profile when it ends. */
  readonly profiles: string | undefined;
  /** What is asked of each request. Default: nothing, so they are not read. */
  readonly check?: RequestCheck;
}

/**
 * Two `hauberk sidecar` processes under a `hauberk up` of their own, HBONE between them, STRICT and
 * with a policy that names who may call.
 */
export function hauberkPair(options: HauberkOptions): StartPair {
  return async (stage) => {
    const home = mkdtempSync(join(stage.directory, 'hauberk-'));
    const [xds = 0, port = 0, inbound = 0, callerHbone = 0, tlsPort = 0] = await stage.ports(5);
    const place = { ...options, stage, home, xds };
    await startControlPlane(place);
    const header = await checkRequests(place);
    const start = (side: Side) => startSidecar(place, side);
    const app = `127.0.0.1:${stage.application.port}`;
    const callee = await start({
      account: 'callee',
      args: [
        ...['--inbound', `http:127.0.0.1:${inbound}=${app}`],
        ...['--advertise-hbone-port', String(await stage.wayTo(tlsPort))],
      ],
      hbone: tlsPort,
    });
    const files = join(home, 'caller-svid');
    mkdirSync(files, { mode: 0o700 });
    const service = `${stage.certificates.calleeName}:8080`;
    const caller = await start({
      account: 'caller',
      args: [
        ...['--outbound', `127.0.0.1:${port}=${service}`],
        ...['--svid-files', files, '--svid-file-names', 'chain.pem,key.pem,roots.pem'],
      ],
      hbone: callerHbone,
    });
    await until('the caller knows the callee and the policies', async () => {
      const { facts } = await readStatus(join(home, 'caller'));
      return facts.workloadEntries >= 2 && facts.services >= 1 && facts.policies.length >= 1;
    });
    const { check } = options;
    const name = check === undefined ? 'hauberk' : check === 'jwt' ? 'hauberk-jwt' : 'hauberk-l7';
    const client = {
      ...{ chain: join(files, 'chain.pem'), key: join(files, 'key.pem'), alpn: ['h2'] },
    };
    const wanted = header === undefined ? {} : { header };
    return { name, port, tlsPort, client, caller, callee, ...wanted };
  };
}

/** Applies what is asked of requests; the header that they then need. */
async function checkRequests({ check, binary, home, stage }: Place): Promise<string | undefined> {
  if (check === undefined) return undefined;
  const { issuer, jwks, header } = await benchToken();
  const manifest = join(home, 'requests.yaml');
  writeFileSync(manifest, check === 'rbac' ? REQUEST_RULES : tokenRules(issuer, jwks));
  await runCli(binary, ['apply', '-f', manifest, '--data-dir', dataDirOf(home)], stage.environment);
  return check === 'jwt' ? header : undefined;
}

const REQUEST_RULES = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: callee-callers, namespace: bench }
spec:
  selector: { matchLabels: { app: callee } }
  rules:
    - from: [{ source: { principals: [cluster.local/ns/bench/sa/caller] } }]
      to: [{ operation: { methods: [GET], paths: [/small, /bulk*] } }]
`;

function tokenRules(issuer: string, jwks: string): string {
  return `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: callee-tokens, namespace: bench }
spec:
  jwtRules:
    - issuer: ${issuer}
      jwks: '${jwks}'
`;
}

interface Place extends HauberkOptions {
  readonly stage: Stage;
  readonly home: string;
  readonly xds: number;
}

async function startControlPlane({ stage, home, xds, binary }: Place): Promise<void> {
  const dataDir = dataDirOf(home);
  const program = stage.programs.start({
    name: 'hauberk-control-plane',
    command: process.execPath,
    args: [
      binary,
      'up',
      '--data-dir',
      dataDir,
      '--xds',
      `127.0.0.1:${xds}`,
      '--api-listen',
      '127.0.0.1:0',
    ],
    env: stage.environment,
  });
  await until('the control plane answers', async () => {
    program.refuseEnded();
    await callAdmin(dataDir, { method: 'GET', path: '/v1/status' });
    return true;
  });
  await runCli(binary, ['apply', '-f', mesh, '--data-dir', dataDir], stage.environment);
}

async function startSidecar(place: Place, side: Side): Promise<Program> {
  const { stage, home, xds, binary, profiles } = place;
  const { account, args, hbone } = side;
  const stateDir = join(home, account);
  mkdirSync(stateDir, { mode: 0o700 });
  const program = stage.programs.start({
    name: `hauberk-${account}`,
    command: process.execPath,
    args: [
      ...(profiles === undefined ? [] : profilerFlags(profiles, account)),
      ...[binary, 'sidecar', '--name', account, '--state-dir', stateDir],
      ...['--control-plane', `127.0.0.1:${xds}`, '--token-file', await tokenFile(place, account)],
      ...['--hbone', `127.0.0.1:${hbone}`, ...args],
      ...['--access-log', 'refused', '--drain-timeout', '1s'],
    ],
    env: stage.environment,
  });
  await until(`the sidecar of the ${account} is ready`, async () => {
    program.refuseEnded();
    return (await readStatus(stateDir)).pid === program.group;
  });
  return program;
}

async function tokenFile({ stage, home, binary }: Place, account: string): Promise<string> {
  const args = ['token', 'create', '--service-account', `bench/${account}`];
  const token = await runCli(binary, [...args, '--data-dir', dataDirOf(home)], stage.environment);
  const file = join(home, `${account}.token`);
  writeFileSync(file, token, { mode: 0o600 });
  return file;
}

function dataDirOf(home: string): string {
  return join(home, 'control-plane');
}

function profilerFlags(directory: string, account: string): string[] {
  const name = `${account}-${Date.now()}.cpuprofile`;
  return ['--cpu-prof', '--cpu-prof-dir', directory, '--cpu-prof-name', name];
}
