// Makes a checkout ready to run: installs the dependencies when node_modules is absent or not what
// package-lock.json asks for, and generates the protobuf code. Runs on the machine's own Node.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'node_modules/.hauberk-installed');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');

if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== wanted) {
  process.stderr.write('installing dependencies (npm ci), once; this takes about half a minute\n');
  // `npm ci` runs `prepare`, which generates the code as well.
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stampFile, wanted);
} else {
  run(process.execPath, [join(root, 'scripts/generate.mjs')]);
}

function run(command, args) {
  // npm's own output goes to stderr, so that `npm start -- -o json` prints JSON only.
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  process.stderr.write(
    `\`${command} ${args.join(' ')}\` failed${error ? `: ${error.message}` : ''}\n`,
  );
  process.exit(status ?? 1);
}
