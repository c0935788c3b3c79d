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
  };
}
