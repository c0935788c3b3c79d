import type { TokenRecord, TokenRecords } from '../../src/attestation/token-ledger.ts';

/** Token records that are gone with the test. */
export function memoryTokenRecords(): TokenRecords & { readonly all: Map<string, TokenRecord> } {
  const all = new Map<string, TokenRecord>();
  return {
    all,
    get: async (id) => all.get(id),
    create: async (record) => {
      all.set(record.id, record);
    },
    spend: async ({ id }, spent) => {
      const record = all.get(id);
      if (record === undefined || record.spent !== undefined) return false;
      all.set(id, { ...record, spent });
      return true;
    },
    async discardUnused(namespace, serviceAccount) {
      const unused = [...all.values()].filter(
        (record) =>
          record.spent === undefined &&
          record.namespace === namespace &&
          record.serviceAccount === serviceAccount,
      );
      for (const { id } of unused) all.delete(id);
      return unused.length;
    },
  };
}
