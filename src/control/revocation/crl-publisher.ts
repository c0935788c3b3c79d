import type { CertificateAuthority, IssuedCrl } from '../../ca/certificate-authority.ts';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import type { Task } from '../../lib/tasks.ts';
import { annotations } from '../../resources/annotations.ts';
import { qualifiedKind, storedApiVersion } from '../../resources/kind-definition.ts';
import {
  type CertificateRevocationList,
  certificateRevocationList,
} from '../../resources/kinds/certificate-revocation-list.ts';
import type { Resource } from '../../resources/resource.ts';
import type { Change, Store } from '../../store/store.ts';
import { type Certificate, fingerprint } from '../../x509/certificate.ts';
import { type Crl, parseCrl, type RevokedEntry } from '../../x509/crl.ts';
import type { ControlEvents } from '../control-events.ts';
import type { Revocations } from './revocations.ts';

export interface CrlPublisherOptions {
  readonly store: Pick<Store, 'list' | 'commit'>;
  readonly authority: Pick<CertificateAuthority, 'slots' | 'issueCrls' | 'givenCrls'>;
  readonly revocations: Pick<Revocations, 'list' | 'changes'>;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'taskFailed'>;
}

export interface CrlPublisher {
  /**
   * Makes the stored lists say what is revoked now. Returns the store version since when they do.
   *
   * @throws {MeshError} ERR_LIMIT, ERR_STORE.
   */
  publish(): Promise<number>;
  /** Publishes each change, and afresh long before a list ends. */
  readonly run: Task;
}

const KIND = qualifiedKind(certificateRevocationList);
/** At the latest. */
const CHECK_MS = 60_000;
const LONGEST_BASE64 = 1024 * 1024;

/**
 * Keeps one CertificateRevocationList for each authority whose key is here. One whose key is gone
 * stays as it was until it ends: it covers what that authority had signed. Lists that a plug-in CA
 * brought are there as long as they may be given out.
 */
export function crlPublisher(options: CrlPublisherOptions): CrlPublisher {
  const { store, authority, revocations, clock, events } = options;
  let toldGap: string | undefined;
  return {
    publish,
    async run(signal) {
      let wake = new AbortController();
      const changed = (): void => wake.abort();
      const stops = [revocations.changes.subscribe(changed), authority.slots.subscribe(changed)];
      while (!signal.aborted) {
        wake = new AbortController();
        await publish().catch((error: unknown) =>
          events.taskFailed({ task: 'publish revocation lists', reason: messageOf(error) }),
        );
        await clock.sleep(CHECK_MS, AbortSignal.any([signal, wake.signal]));
      }
      for (const stop of stops) stop();
    },
  };

  async function publish(): Promise<number> {
    const { items } = await store.list(KIND);
    const stored = new Map(
      items.map((item) => [item.metadata.name, item as CertificateRevocationList]),
    );
    const wanted = [...ownLists(stored), ...givenNow().map(givenResource)];
    const put = wanted.filter(
      ({ metadata: { name }, spec }) => stored.get(name)?.spec.list !== spec.list,
    );
    const names = new Set(wanted.map(({ metadata }) => metadata.name));
    const over = [...stored.values()].filter(
      (list) => !names.has(list.metadata.name) && isOver(list, clock.now()),
    );
    const changes: Change[] = [
      ...put.map((resource) => ({ op: 'put', resource }) as const),
      ...over.map(
        ({ metadata: { name } }) => ({ op: 'delete', key: { kind: KIND, name } }) as const,
      ),
    ];
    const committed = changes.length > 0 ? await store.commit(changes) : [];
    return Math.max(0, ...[...items, ...committed].map(versionOf));
  }

  /** As they are stored where that is still good. */
  function ownLists(
    stored: ReadonlyMap<string, CertificateRevocationList>,
  ): readonly CertificateRevocationList[] {
    const byIssuer = Map.groupBy(revocations.list(), ({ issuerSerial }) => issuerSerial);
    const entriesOf = (serial: string): readonly RevokedEntry[] => byIssuer.get(serial) ?? [];
    return authority.issueCrls(entriesOf).map(({ issuer, crl }) => {
      const present = stored.get(issuer.serial);
      const isGood = present !== undefined && isFresh(present, crl, clock.now());
      return isGood ? present : listResource(issuer, crl);
    });
  }

  /** Said once: that some are missing is no failure, and is looked at each minute. */
  function givenNow(): readonly IssuedCrl[] {
    const { crls, gap } = authority.givenCrls();
    if (gap !== undefined && gap !== toldGap) {
      events.taskFailed({ task: 'publish revocation lists', reason: gap });
    }
    toldGap = gap;
    return crls;
  }
}

/** One that was given is so as soon as it is given no more. */
function isOver({ metadata, spec }: CertificateRevocationList, nowMs: number): boolean {
  const isGiven = metadata.annotations?.[annotations.givenList] !== undefined;
  return isGiven || Date.parse(spec.nextUpdate) <= nowMs;
}

function versionOf(resource: Resource | undefined): number {
  return Number(resource?.metadata.resourceVersion ?? 0);
}

/** Says the same, and will for more than half of the time that a new one would. */
function isFresh({ spec }: CertificateRevocationList, next: Crl, nowMs: number): boolean {
  const nextMs = next.nextUpdateMs ?? 0;
  const endMs = Date.parse(spec.nextUpdate);
  if (endMs < nextMs && endMs - nowMs < (nextMs - nowMs) / 2) return false;
  const present = parseCrl(Buffer.from(spec.list, 'base64'));
  return present.issuer === next.issuer && textOf(present) === textOf(next);
}

function textOf({ entries }: Crl): string {
  return entries.map(({ serial, reason }) => `${serial} ${reason}`).join();
}

/** Its issuer's serial is another CA's choice, and may be that of one here. */
function givenResource({ issuer, crl }: IssuedCrl): CertificateRevocationList {
  const resource = listResource(issuer, crl);
  const name = fingerprint(issuer).slice(0, 40);
  return {
    ...resource,
    metadata: { name, annotations: { [annotations.givenList]: 'plug-in CA' } },
  };
}

function listResource(issuer: Certificate, crl: Crl): CertificateRevocationList {
  const list = Buffer.from(crl.der).toString('base64');
  if (list.length > LONGEST_BASE64) {
    const text = `the revocation list of "${crl.issuer}" has ${crl.entries.length} entries, too many to be sent to every agent; the list before is still used. Shorten the lifetime of SVIDs, so that fewer must be remembered`;
    throw new MeshError('ERR_LIMIT', text);
  }
  return {
    apiVersion: storedApiVersion(certificateRevocationList),
    kind: 'CertificateRevocationList',
    metadata: { name: issuer.serial },
    spec: {
      ...{ issuer: crl.issuer.slice(0, 1_024), list },
      nextUpdate: new Date(crl.nextUpdateMs ?? 0).toISOString(),
    },
  };
}
