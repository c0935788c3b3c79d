import type { TicketRecord, TicketRecords } from '../attestation/return-tickets.ts';
import { MeshError } from '../lib/errors.ts';
import { keyOf } from '../resources/resource.ts';
import type { Store } from '../store/store.ts';
import { decodeSecretData, type Secret, secretResource } from './secret-data.ts';

const TYPE = 'security.hauberk.dev/return-ticket';
const FIELD = 'ticket.json';

/** Return tickets as Secrets `return-ticket-<id>` of the root namespace. */
export function ticketSecrets(
  store: Store,
  rootNamespace: string,
): TicketRecords & { dropExpired(nowMs: number): Promise<number> } {
  return {
    async get(id) {
      const secret = await read(id);
      return secret && decode(secret);
    },
    async of(namespace, serviceAccount) {
      return (await all()).filter(
        (record) => record.namespace === namespace && record.serviceAccount === serviceAccount,
      );
    },
    async create(record) {
      await store.commit([{ op: 'put', resource: encode(record), expectVersion: '0' }]);
    },
    async replace(before, after) {
      const secret = await read(before.id);
      if (secret === undefined || !isSame(decode(secret), before)) return false;
      const expectVersion = secret.metadata.resourceVersion ?? '0';
      try {
        await store.commit([{ op: 'put', resource: encode(after), expectVersion }]);
        return true;
      } catch (error) {
        if (MeshError.is(error, 'ERR_CONFLICT')) return false;
        throw error;
      }
    },
    async delete(ids) {
      const present = await Promise.all(ids.map(read));
      const found = present.filter((secret) => secret !== undefined);
      await store.commit(found.map((secret) => ({ op: 'delete', key: keyOf(secret) })));
    },
    async dropExpired(nowMs) {
      const expired = (await all()).filter(({ expiresAtMs }) => nowMs >= expiresAtMs);
      await this.delete(expired.map(({ id }) => id));
      return expired.length;
    },
  };

  async function read(id: string): Promise<Secret | undefined> {
    const key = { kind: 'Secret', namespace: rootNamespace, name: nameOf(id) };
    return (await store.get(key)) as Secret | undefined;
  }

  async function all(): Promise<readonly TicketRecord[]> {
    const { items } = await store.list('Secret', rootNamespace);
    return (items as readonly Secret[]).filter(({ type }) => type === TYPE).map(decode);
  }

  function encode(record: TicketRecord): Secret {
    const name = { namespace: rootNamespace, name: nameOf(record.id), type: TYPE };
    return secretResource(name, { [FIELD]: JSON.stringify(record) });
  }
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
