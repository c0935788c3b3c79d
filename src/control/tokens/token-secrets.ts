import type { TokenRecord, TokenRecords } from '../../attestation/token-ledger.ts';
import { MeshError } from '../../lib/errors.ts';
import { keyOf } from '../../resources/resource.ts';
import type { Change, Store } from '../../store/store.ts';
import { decodeSecretData, type Secret, secretResource } from '../secret-data.ts';

const TYPE = 'security.hauberk.dev/enrolment-token';

/** Enrolment tokens as Secrets `enrolment-token-<id>` of the root namespace. */
export function tokenSecrets(
  store: Store,
  rootNamespace: string,
): TokenRecords & {
  /** Forgets the tokens that were spent, or had expired, at `beforeMs`; returns how many. */
  dropOld(beforeMs: number): Promise<number>;
} {
  return {
    async get(id) {
      const secret = await read(id);
      return secret === undefined ? undefined : decode(secret);
    },
    async create(record) {
      await store.commit([{ op: 'put', resource: encode(record), expectVersion: '0' }]);
    },
    async spend(record, spent) {
      const secret = await read(record.id);
      if (secret === undefined || decode(secret).spent !== undefined) return false;
      const expectVersion = secret.metadata.resourceVersion ?? '0';
      try {
        await store.commit([{ op: 'put', resource: encode({ ...record, spent }), expectVersion }]);
        return true;
      } catch (error) {
        if (MeshError.is(error, 'ERR_CONFLICT')) return false;
        throw error;
      }
    },
    async dropOld(beforeMs) {
      const old = (await all())
        .filter(
          ({ record }) => Math.min(record.expiresAtMs, record.spent?.atMs ?? Infinity) <= beforeMs,
        )
        .map(({ secret }) => ({ op: 'delete', key: keyOf(secret) }) satisfies Change);
      await store.commit(old);
      return old.length;
    },
    async discardUnused(namespace, serviceAccount) {
      const unused = (await all())
        .filter(({ record }) => record.spent === undefined)
        .filter((each) => each.record.namespace === namespace)
        .filter((each) => each.record.serviceAccount === serviceAccount);
      await store.commit(
        unused.map(({ secret }) => ({ op: 'delete', key: keyOf(secret) }) satisfies Change),
      );
      return unused.length;
    },
  };

  async function all(): Promise<readonly { secret: Secret; record: TokenRecord }[]> {
    const { items } = await store.list('Secret', rootNamespace);
    return (items as readonly Secret[])
      .filter(({ type }) => type === TYPE)
      .map((secret) => ({ secret, record: decode(secret) }));
  }

  async function read(id: string): Promise<Secret | undefined> {
    const key = { kind: 'Secret', namespace: rootNamespace, name: nameOf(id) };
    return (await store.get(key)) as Secret | undefined;
  }

  function encode(record: TokenRecord): Secret {
    const { id, secretHash, namespace, serviceAccount, expiresAtMs, rootFingerprint, spent } =
      record;
    return secretResource(
      { namespace: rootNamespace, name: nameOf(id), type: TYPE },
      {
        'token-id': id,
        'secret-sha256': secretHash,
        namespace,
        'service-account': serviceAccount,
        expiration: new Date(expiresAtMs).toISOString(),
        ...(rootFingerprint === undefined ? {} : { 'root-sha256': rootFingerprint }),
        ...(spent === undefined
          ? {}
          : { 'spent-at': new Date(spent.atMs).toISOString(), 'spent-by': spent.keyFingerprint }),
      },
    );
  }
}

function nameOf(id: string): string {
  return `enrolment-token-${id}`;
}

function decode(secret: Secret): TokenRecord {
  const data = decodeSecretData(secret);
  const spentBy = data['spent-by'];
  return {
    id: data['token-id'] ?? '',
    secretHash: data['secret-sha256'] ?? '',
    namespace: data['namespace'] ?? '',
    serviceAccount: data['service-account'] ?? '',
    expiresAtMs: Date.parse(data['expiration'] ?? ''),
    rootFingerprint: data['root-sha256'],
    spent:
      spentBy === undefined
        ? undefined
        : { keyFingerprint: spentBy, atMs: Date.parse(data['spent-at'] ?? '') },
  };
}
