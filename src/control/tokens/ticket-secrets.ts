import type { TicketRecord, TicketRecords } from '../../attestation/return-tickets.ts';
import { MeshError } from '../../lib/errors.ts';
import { keyOf } from '../../resources/resource.ts';
import type { Store } from '../../store/store.ts';
import { decodeSecretData, type Secret, secretResource } from '../secret-data.ts';

const TYPE = 'security.hauberk.dev/return-ticket';
const FIELD = 'ticket.json';

/** What is remembered of each ticket, so that a few are found among many without opening them all. */
type Entry = Pick<TicketRecord, 'namespace' | 'serviceAccount' | 'expiresAtMs'>;

/** Return tickets as Secrets `return-ticket-<id>` of the root namespace, which nobody else writes. */
export function ticketSecrets(
  store: Store,
  rootNamespace: string,
): TicketRecords & { dropExpired(nowMs: number): Promise<number> } {
  let loading: Promise<Map<string, Entry>> | undefined;

  return {
    async get(id) {
      const secret = await read(id);
      return secret && decode(secret);
    },
    async of(namespace, serviceAccount) {
      const ids = await idsOf(
        (entry) => entry.namespace === namespace && entry.serviceAccount === serviceAccount,
      );
      const present = await Promise.all(ids.map(read));
      return present.filter((secret) => secret !== undefined).map(decode);
    },
    async create(record) {
      await store.commit([
        { op: 'put', resource: encode(rootNamespace, record), expectVersion: '0' },
      ]);
      (await index()).set(record.id, record);
    },
    async replace(before, after) {
      const secret = await read(before.id);
      if (secret === undefined || !isSame(decode(secret), before)) return false;
      const expectVersion = secret.metadata.resourceVersion ?? '0';
      try {
        await store.commit([{ op: 'put', resource: encode(rootNamespace, after), expectVersion }]);
      } catch (error) {
        if (MeshError.is(error, 'ERR_CONFLICT') || MeshError.is(error, 'ERR_NOT_FOUND'))
          return false;
        throw error;
      }
      (await index()).set(after.id, after);
      return true;
    },
    delete: remove,
    async dropExpired(nowMs) {
      const expired = await idsOf(({ expiresAtMs }) => nowMs >= expiresAtMs);
      await remove(expired);
      return expired.length;
    },
  };

  async function remove(ids: readonly string[]): Promise<void> {
    const present = await Promise.all(ids.map(read));
    const found = present.filter((secret) => secret !== undefined);
    await store.commit(found.map((secret) => ({ op: 'delete', key: keyOf(secret) })));
    const entries = await index();
    for (const id of ids) entries.delete(id);
  }

  async function idsOf(wanted: (entry: Entry) => boolean): Promise<readonly string[]> {
    return [...(await index())].filter(([, entry]) => wanted(entry)).map(([id]) => id);
  }

  function index(): Promise<Map<string, Entry>> {
    loading ??= load().catch((error: unknown) => {
      // Not for good: the next one who asks tries again.
      loading = undefined;
      throw error;
    });
    return loading;
  }

  async function load(): Promise<Map<string, Entry>> {
    const { items } = await store.list('Secret', rootNamespace);
    const records = (items as readonly Secret[]).filter(({ type }) => type === TYPE).map(decode);
    return new Map(records.map((record) => [record.id, record]));
  }

  async function read(id: string): Promise<Secret | undefined> {
    const key = { kind: 'Secret', namespace: rootNamespace, name: nameOf(id) };
    return (await store.get(key)) as Secret | undefined;
  }
}

function encode(namespace: string, record: TicketRecord): Secret {
  const name = { namespace, name: nameOf(record.id), type: TYPE };
  return secretResource(name, { [FIELD]: JSON.stringify(record) });
}

function nameOf(id: string): string {
  return `return-ticket-${id}`;
}

function decode(secret: Secret): TicketRecord {
  const { lastKey, ...rest } = JSON.parse(decodeSecretData(secret)[FIELD] ?? '{}');
  return { ...rest, lastKey } as TicketRecord;
}

function isSame(one: TicketRecord, two: TicketRecord): boolean {
  const text = (record: TicketRecord): string =>
    JSON.stringify(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
  return text(one) === text(two);
}
