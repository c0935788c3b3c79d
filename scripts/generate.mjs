// Makes src/gen/ from the protocol definitions. Generated code is never committed; a stamp of all
// inputs lets repeated calls return at once.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vendored = join(root, 'node_modules/@grpc/grpc-js-xds/deps');
const out = join(root, 'src/gen');
const stampFile = join(out, '.stamp');

if (existsSync(join(root, 'proto')) && existsSync(vendored)) generate();

function generate() {
  const stamp = stampOf(inputs());
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  const work = mkdtempSync(join(tmpdir(), 'hauberk-gen-'));
  try {
    collectProtos(work);
    writeFileSync(join(work, 'buf.yaml'), 'version: v2\n');
    writeFileSync(join(work, 'buf.gen.yaml'), template());
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    run(join(root, 'node_modules/.bin/buf'), generateArgs(), work);
    writeFileSync(stampFile, stamp);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function inputs() {
  const protos = readdirSync(join(root, 'proto'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.proto'))
    .map((file) => join(root, 'proto', file));
  return [fileURLToPath(import.meta.url), join(root, 'package-lock.json'), ...protos.sort()];
}

function stampOf(files) {
  const hash = createHash('sha256');
  for (const file of files)
    if (existsSync(file)) hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.digest('hex');
}

function collectProtos(work) {
  cpSync(join(vendored, 'envoy-api'), work, { recursive: true });
  cpSync(join(vendored, 'xds'), work, { recursive: true });
  cpSync(join(vendored, 'googleapis'), work, { recursive: true });
  cpSync(join(vendored, 'protoc-gen-validate/validate'), join(work, 'validate'), {
    recursive: true,
  });
  cpSync(join(root, 'proto'), work, { recursive: true });
  allowIgnoreEmpty(join(work, 'validate/validate.proto'));
}

// The vendored validate.proto is older than the Envoy protos that use it: its *Rules messages lack
// `ignore_empty`. Field 200 is free in all of them and the option is read by nobody here.
function allowIgnoreEmpty(file) {
  const text = readFileSync(file, 'utf8');
  const patched = text.replace(/^message (\w+Rules) \{([\s\S]*?)^\}/gm, (whole, name, body) =>
    name === 'FieldRules' || name === 'MessageRules' || /\bignore_empty\b/.test(body)
      ? whole
      : `message ${name} {${body}    optional bool ignore_empty = 200;\n}`,
  );
  writeFileSync(file, patched);
}

function template() {
  return [
    'version: v2',
    'plugins:',
    `  - local: ${join(root, 'node_modules/.bin/protoc-gen-es')}`,
    `    out: ${out}`,
    '    include_imports: true',
    '    opt: [target=js+dts, import_extension=js]',
    '',
  ].join('\n');
}

function generateArgs() {
  const wanted = [
    'envoy/service/discovery/v3/ads.proto',
    'envoy/service/auth/v3/external_auth.proto',
    'envoy/service/secret/v3/sds.proto',
    'envoy/extensions/transport_sockets/tls/v3/secret.proto',
    'envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config.proto',
    'grpc/health/v1/health.proto',
    'grpc/reflection/v1/reflection.proto',
    'grpc/reflection/v1alpha/reflection.proto',
    'spiffe/workload.proto',
    'istio/v1/auth/ca.proto',
    'hauberk/calls/v1/calls.proto',
    'hauberk/credentials/v1/credentials.proto',
    'hauberk/facts/v1/fact.proto',
    'hauberk/fallbacks/v1/fallbacks.proto',
    'hauberk/identity/v1/delegated_svid.proto',
    'hauberk/identity/v1/jwt_svid.proto',
    'hauberk/identity/v1/return_ticket.proto',
    'hauberk/identity/v1/served_clients.proto',
    'hauberk/logs/v1/workload_log.proto',
  ];
  return ['generate', ...wanted.flatMap((path) => ['--path', path])];
}

function run(command, args, cwd) {
  const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` };
  const { status, error, stderr, stdout } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}`);
  process.stderr.write(
    'could not generate src/gen from the protocol definitions; run `npm ci`, then `npm run generate`\n',
  );
  process.exit(1);
}
