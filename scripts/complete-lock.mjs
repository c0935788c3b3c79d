// Completes package-lock.json after `npm install`, where the registry at hand does not have the optional
// packages of every platform: npm then leaves them out of the lock file, and `npm ci` refuses it on every
// machine. Each is added with the platform that its name says; on that platform npm fetches it by version.
import { readFileSync, writeFileSync } from 'node:fs';

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = {
  arm64: 'arm64',
  aarch64: 'arm64',
  x64: 'x64',
  ia32: 'ia32',
  arm: 'arm',
  armv7: 'arm',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
};

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = [];
for (const { optionalDependencies = {}, dev } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const path = `node_modules/${name}`;
    const platform = platformOf(name);
    if (lock.packages[path] !== undefined || platform === undefined) continue;
    lock.packages[path] = { version, ...platform, ...(dev ? { dev } : {}), optional: true };
    added.push(`${name}@${version}`);
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(added.length === 0 ? 'nothing was missing\n' : `added ${added.join(', ')}\n`);

function platformOf(name) {
  const words = name.split(/[/-]/);
  const os = words.find((word) => SYSTEMS.includes(word));
  const cpu = words.map((word) => PROCESSORS[word]).find((word) => word !== undefined);
  if (os === undefined || cpu === undefined) return undefined;
  const musl = words.some((word) => word.startsWith('musl'));
  return { cpu: [cpu], ...(musl ? { libc: ['musl'] } : {}), os: [os] };
}
