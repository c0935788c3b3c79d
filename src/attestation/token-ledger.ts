import type { Clock } from '../lib/clock.ts';
import { formatDuration } from '../lib/duration.ts';
import { MeshError } from '../lib/errors.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { TrustDomain } from '../spiffe/trust-domain.ts';
import type { AttestedCaller, Attestor } from './attestor.ts';
import {
  formatEnrolmentToken,
  hashSecret,
  newEnrolmentToken,
  parseEnrolmentToken,
  secretMatches,
} from './enrolment-token.ts';

/** What is kept of a token. The secret itself is not. */
export interface TokenRecord {
  readonly id: string;
  readonly secretHash: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly expiresAtMs: number;
  /** The root that the token names to whoever enrols with it; undefined in records of old versions. */
  readonly rootFingerprint: string | undefined;
  /** Set when the token was used: by which key and when. */
  readonly spent: { readonly keyFingerprint: string; readonly atMs: number } | undefined;
}

/** Where token records live. */
export interface TokenRecords {
  get(id: string): Promise<TokenRecord | undefined>;
  create(record: TokenRecord): Promise<void>;
  /** False when the record was spent by somebody else since it was read. */
  spend(record: TokenRecord, spent: NonNullable<TokenRecord['spent']>): Promise<boolean>;
  /** Forgets the tokens of a service account that nobody has used; returns how many. */
  discardUnused(namespace: string, serviceAccount: string): Promise<number>;
}

export interface TokenLedgerOptions {
  readonly records: TokenRecords;
  readonly trustDomain: TrustDomain;
  /** Fingerprints of the roots that this mesh trusts now; new tokens name the first. */
  readonly roots: () => readonly string[];
  readonly clock: Clock;
}

/** Makes enrolment tokens and takes each of them once. */
export interface TokenLedger extends Attestor {
  create(request: {
    readonly namespace: string;
    readonly serviceAccount: string;
    readonly lifetimeMs: number;
  }): Promise<{ readonly text: string; readonly record: TokenRecord }>;
}

export function tokenLedger(options: TokenLedgerOptions): TokenLedger {
  const { records, trustDomain, clock } = options;
  return {
    name: 'enrolment-token',

    async create({ namespace, serviceAccount, lifetimeMs }) {
      const [rootFingerprint = ''] = options.roots();
      const token = newEnrolmentToken(rootFingerprint);
      const record: TokenRecord = {
        id: token.id,
        secretHash: hashSecret(token.secret),
        namespace,
        serviceAccount,
        expiresAtMs: clock.now() + lifetimeMs,
        rootFingerprint,
        spent: undefined,
      };
      await records.create(record);
      return { text: formatEnrolmentToken(token), record };
    },

    async attest({ bearer }) {
      if (!bearer?.startsWith('hbk1.')) return undefined;
      const token = parseEnrolmentToken(bearer);
      const record = await records.get(token.id);
      if (record === undefined || !secretMatches(token.secret, record.secretHash)) {
        throw new MeshError('ERR_UNAUTHENTICATED', `enrolment token ${token.id} is not known here`);
      }
      const nowMs = clock.now();
      if (nowMs >= record.expiresAtMs) throw expired(record, nowMs);
      refuseFormerRoot(record);
      const id = SpiffeId.forServiceAccount(trustDomain, record.namespace, record.serviceAccount);
      return callerOf(record, id);
    },
  };

  /**
   * Who stole a former root's key can pose as this control plane to a workload that believes it, and
   * be shown the token: it must be worth nothing then.
   */
  function refuseFormerRoot({ id, rootFingerprint: pin }: TokenRecord): void {
    if (pin === undefined || options.roots().includes(pin)) return;
    throw new MeshError(
      'ERR_UNAUTHENTICATED',
      `enrolment token ${id} was made for the root ${pin.slice(0, 16)}…, which this mesh trusts no more; make a new one with \`hauberk token create\``,
    );
  }

  function callerOf(record: TokenRecord, id: SpiffeId): AttestedCaller {
    return {
      id,
      by: 'enrolment-token',
      async confirm(keyFingerprint) {
        // The answer to a first use can be lost on the way. The same key may ask again: it gives
        // nobody anything new.
        if (record.spent?.keyFingerprint === keyFingerprint) return;
        const spent = { keyFingerprint, atMs: clock.now() };
        if (record.spent === undefined && (await records.spend(record, spent))) return;
        throw alreadyUsed(record);
      },
    };
  }
}

function expired(record: TokenRecord, nowMs: number): MeshError {
  return new MeshError(
    'ERR_UNAUTHENTICATED',
    `enrolment token ${record.id} expired ${formatDuration(nowMs - record.expiresAtMs)} ago; make a new one with \`hauberk token create\``,
  );
}

function alreadyUsed(record: TokenRecord): MeshError {
  const when = record.spent === undefined ? '' : ` at ${new Date(record.spent.atMs).toISOString()}`;
  return new MeshError(
    'ERR_UNAUTHENTICATED',
    `enrolment token ${record.id} was used${when}, it works once; make a new one with \`hauberk token create\``,
  );
}
