import type { TicketRecord, TicketRecords } from '../../src/attestation/return-tickets.ts';

/** Ticket records that are gone with the test. */
export function memoryTicketRecords(): TicketRecords & { readonly all: Map<string, TicketRecord> } {
  const all = new Map<string, TicketRecord>();
  return {
    all,
    get: async (id) => all.get(id),
    of: async (namespace, account) =>
      [...all.values()].filter(
        (record) => record.namespace === namespace && record.serviceAccount === account,
      ),
    async create(record) {
      all.set(record.id, record);
    },
    async replace(before, after) {
      if (all.get(before.id) !== before) return false;
      all.set(before.id, after);
      return true;
    },
    async delete(ids) {
      for (const id of ids) all.delete(id);
    },
  };
}
