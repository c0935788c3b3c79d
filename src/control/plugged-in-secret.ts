import { type PluggedInFiles, pluggedInFiles } from '../ca/plugged-in-files.ts';
import type { KeySlots } from '../ca/rotation.ts';
import { decodeSlots, encodeSlots, type SlotCodec } from '../ca/rotation-record.ts';
import type { Store } from '../store/store.ts';
import { decodeSecretData, type Secret, secretResource } from './secret-data.ts';

/** Istio's name for a CA that is plugged in. */
const NAME = 'cacerts';

/** Where a plug-in CA lives between two starts. */
export interface PluggedInSecret {
  /** @throws {MeshError} ERR_STORE when only a part of it is there. */
  load(): Promise<KeySlots<PluggedInFiles> | undefined>;
  save(slots: KeySlots<PluggedInFiles>): Promise<void>;
}

/** The plug-in CA as Secret `cacerts` of the root namespace. The store seals Secrets at rest. */
export function pluggedInSecret(store: Store, rootNamespace: string): PluggedInSecret {
  const key = { kind: 'Secret', namespace: rootNamespace, name: NAME };
  const codec: SlotCodec<PluggedInFiles> = {
    encode: (files) => ({ ...files }),
    decode: (files) => pluggedInFiles(files, `Secret ${rootNamespace}/${NAME}`),
  };
  return {
    async load() {
      const stored = (await store.get(key)) as Secret | undefined;
      return stored && decodeSlots(decodeSecretData(stored), codec);
    },
    async save(slots) {
      const name = { namespace: rootNamespace, name: NAME, type: 'Opaque' };
      const resource = secretResource(name, { ...encodeSlots(slots, codec) });
      await store.commit([{ op: 'put', resource }]);
    },
  };
}
