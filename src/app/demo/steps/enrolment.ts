import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatDuration } from '../../../lib/duration.ts';
import { serviceNames } from '../shop.ts';
import type { Step } from '../step.ts';

/** Each workload has a certificate of its own, and the control plane's audit log says the same. */
export const enrolment: Step = {
  id: 'enrolment',
  title: 'every workload enrols with a single-use token and gets a certificate of its own',
  async run(stage, findings) {
    const audit = readFileSync(join(stage.dataDir, 'audit.log'), 'utf8');
    const serials = new Set<string>();
    for (const name of serviceNames) {
      const { identity } = await stage.status(name);
      const { id, serial, issuedAtMs, notAfterMs } = identity;
      const issued = new Date(issuedAtMs).toISOString();
      const lasts = formatDuration(notAfterMs - issuedAtMs);
      findings.note(`${id}  serial ${serial}  issued ${issued}  valid for ${lasts}`);
      const nowMs = Date.now();
      findings.check(
        `${name} has its SPIFFE ID`,
        id === `spiffe://cluster.local/ns/shop/sa/${name}`,
        id,
      );
      findings.check(
        `the certificate of ${name} is valid now`,
        identity.notBeforeMs <= nowMs && nowMs < notAfterMs,
        `${new Date(identity.notBeforeMs).toISOString()} to ${new Date(notAfterMs).toISOString()}`,
      );
      const line = audit
        .split('\n')
        .find((text) => text.includes('certificate.issue') && text.includes(serial));
      findings.check(
        `the audit log has the serial of ${name}`,
        line?.includes(id) === true,
        line ?? 'no line',
      );
      serials.add(serial);
    }
    const leaked = filesWith(stage.directory, 'PRIVATE KEY');
    findings.check('no private key is in any file', leaked.length === 0, leaked.join(', '));
    findings.check(
      'each has another serial',
      serials.size === serviceNames.length,
      [...serials].join(', '),
    );
  },
};

/** The files under `directory` in which `text` stands. */
function filesWith(directory: string, text: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => contentOf(file)?.includes(text));
}

/** Undefined for a file that was renamed or removed meanwhile, as sidecars do with theirs. */
function contentOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
