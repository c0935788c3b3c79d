import type { OperatorRoutes } from '../apiserver/operator-paths.ts';
import type { CertificateAuthority } from '../ca/certificate-authority.ts';
import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Store } from '../store/store.ts';
import { sealBackup, takeBackup } from './backup.ts';
import type { ControlEvents } from './control-events.ts';

export interface BackupRouteOptions {
  readonly store: Store;
  readonly authority: Pick<CertificateAuthority, 'trustDomain'>;
  readonly events: Pick<ControlEvents, 'backupTaken'>;
  readonly clock: Clock;
}

/** The whole mesh in one file. The caller gets it sealed; what is in it never leaves as plain text. */
export function backupRoutes({
  store,
  authority,
  events,
  clock,
}: BackupRouteOptions): OperatorRoutes {
  return {
    'POST /v1/ca/backup': async ({ body, actor }) => {
      const trustDomain = authority.trustDomain.name;
      const backup = await takeBackup(store, { trustDomain, nowMs: clock.now() });
      const file = await sealBackup(backup, passphraseIn(body));
      const summary = { resources: backup.resources.length, version: backup.version };
      events.backupTaken({ ...summary, actor });
      return { ...summary, trustDomain, file: Buffer.from(file).toString('base64') };
    },
  };
}

function passphraseIn(body: unknown): string {
  const fields = typeof body === 'object' && body !== null ? body : {};
  const { passphrase } = fields as Record<string, unknown>;
  if (typeof passphrase === 'string') return passphrase;
  throw new MeshError('ERR_WIRE', 'the request has no text "passphrase"');
}
