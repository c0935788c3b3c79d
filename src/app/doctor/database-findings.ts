import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../lib/errors.ts';
import { quickCheck } from '../../store/quick-check.ts';
import { DATABASE_FILE, LEDGER_FILE } from '../data-dir.ts';
import { type Finding, ok } from './finding.ts';

const REMEDY: Readonly<Record<string, string>> = {
  [DATABASE_FILE]:
    'stop the control plane, move the data directory away and restore a backup (`hauberk ca restore`); look for the cause on the disk',
  [LEDGER_FILE]:
    'stop the control plane and move the file away; a new one is made, and what was issued before can then be revoked by serial only. Look for the cause on the disk',
};

/** Whether the databases of a control plane are sound. One that is not there is not spoken of. */
export function databaseFindings(dataDir: string): readonly Finding[] {
  return [DATABASE_FILE, LEDGER_FILE]
    .map((name) => ({ name, path: join(dataDir, name) }))
    .filter(({ path }) => existsSync(path))
    .map(({ name, path }) => databaseFinding(path, REMEDY[name] ?? ''));
}

function databaseFinding(path: string, action: string): Finding {
  const check = 'database';
  const broken = { check, level: 'problem', what: `"${path}" is damaged`, action } as const;
  try {
    const damage = quickCheck(path);
    if (damage.length === 0) return ok(check, `"${path}" is sound`, 'quick_check found nothing');
    return { ...broken, evidence: damage.join('; ') };
  } catch (error) {
    const code = (error as { readonly errcode?: number }).errcode;
    if (code === CORRUPT || code === NOT_A_DATABASE)
      return { ...broken, evidence: messageOf(error) };
    return {
      ...{ check, level: 'unknown', what: `"${path}" cannot be looked at` },
      evidence: messageOf(error),
      action: 'run the doctor as the user that runs hauberk',
    };
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const CORRUPT = 11;
const NOT_A_DATABASE = 26;
