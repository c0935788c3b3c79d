import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';

const MACHINE_IDS = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/** What names this machine and state directory, hashed: it stays the same over a reboot. */
export function ownPlace(stateDir: string): string {
  return createHash('sha256')
    .update(`${machineId()}\n${realpathSync(stateDir)}`)
    .digest('hex');
}

function machineId(): string {
  for (const path of MACHINE_IDS) {
    try {
      const id = readFileSync(path, 'utf8').trim();
      if (id !== '') return id;
    } catch {
      // A machine without that file; the next one, or the host's name, does.
    }
  }
  return hostname();
}
