import { createHash } from 'node:crypto';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { Attestor } from '../../attestation/attestor.ts';
import { identifyCaller } from '../../attestation/identify-caller.ts';
import type { CredentialService } from '../../gen/hauberk/credentials/v1/credentials_pb.js';
import { MeshError } from '../../lib/errors.ts';
import type { HeldCredential } from '../../policy/upstream/held-credentials.ts';
import { namedCredentials } from '../../policy/upstream/named-credentials.ts';
import type { DestinationRule } from '../../resources/kinds/destination-rule.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { Store } from '../../store/store.ts';
import { Latch } from '../../xds/latch.ts';
import type { ControlEvents } from '../control-events.ts';
import { grpcError } from '../grpc-error.ts';
import { type PeerEvidence, peerEvidenceKey } from '../issuance/peer-evidence.ts';
import type { Secret } from '../secret-data.ts';
import { type CallerStreamOptions, callerStream } from '../workloads/caller-stream.ts';
import type { CredentialChanges } from './credential-changes.ts';
import { isOwnSecret, secretCredential } from './secret-credential.ts';

export interface CredentialServiceOptions extends CallerStreamOptions {
  readonly store: Pick<Store, 'get' | 'list'>;
  readonly rootNamespace: string;
  /** Only callers that already have an SVID are answered. */
  readonly attestor: Attestor;
  readonly changes: Pick<CredentialChanges, 'subscribe'>;
  readonly events: Pick<ControlEvents, 'credentialTold'>;
  /** Ends every stream when the control plane stops. */
  readonly signal: AbortSignal;
}

const MOST_NAMES = 64;
const LONGEST_NAME = 253;
const MOST_STREAMS = 20_000;
const RULES = 'DestinationRule.networking.istio.io';

/**
 * Gives workloads the credentials that rules name for them, and nothing else: which workload asks is in
 * its certificate, its labels are those of its ServiceAccount, and `namedCredentials` says what that may
 * have. Sends everything anew when a Secret, a rule or the account has changed, for as long as the
 * caller's certificate counts.
 */
export function credentialService(
  options: CredentialServiceOptions,
): ServiceImpl<typeof CredentialService> {
  let streams = 0;
  return {
    async *follow({ names }, { values, signal }) {
      if (streams >= MOST_STREAMS) {
        throw new ConnectError(`${MOST_STREAMS} streams are open`, Code.ResourceExhausted);
      }
      checkNames(names);
      streams += 1;
      try {
        yield* follow(names, values.get(peerEvidenceKey), signal, options);
      } catch (error) {
        throw grpcError(error);
      } finally {
        streams -= 1;
      }
    },
  };
}

function checkNames(names: readonly string[]): void {
  if (names.length > MOST_NAMES || names.some((name) => name.length > LONGEST_NAME)) {
    throw new ConnectError(
      `at most ${MOST_NAMES} names of ${LONGEST_NAME} characters are taken`,
      Code.InvalidArgument,
    );
  }
}

interface Answer {
  readonly name: string;
  readonly rule: string | undefined;
  readonly isShown: boolean;
  readonly held: HeldCredential;
}

async function* follow(
  names: readonly string[],
  peer: PeerEvidence,
  ended: AbortSignal,
  options: CredentialServiceOptions,
): AsyncGenerator<{ credentials: ReturnType<typeof wire>[] }> {
  const { attestor, changes, events } = options;
  const { id } = await identifyCaller([attestor], { chain: peer.chain, bearer: undefined });
  if (id.workload === undefined) {
    throw new MeshError('ERR_FORBIDDEN', `"${id}" is not the identity of a service account`);
  }
  const stream = callerStream(id, peer, options, [options.signal, ended]);
  const toLook = new Latch();
  const look = (): void => toLook.raise();
  stream.signal.addEventListener('abort', look);
  const stop = changes.subscribe(id.workload.namespace, look);
  // Of what each name was answered last; the answers themselves are not kept.
  const told = new Map<string, string>();
  look();
  try {
    for (;;) {
      await toLook.wait();
      if (stream.signal.aborted) return;
      const answers = await answersTo(names, id, options);
      const fresh = answers.filter(({ name, held }) => told.get(name) !== digest(held));
      if (fresh.length === 0 && told.size > 0) continue;
      for (const { name, rule, isShown, held } of fresh) {
        told.set(name, digest(held));
        const problem = 'problem' in held ? held.problem : undefined;
        events.credentialTold({
          ...{ id: id.toString(), name, rule, isShown, problem },
          namespace: id.workload.namespace,
        });
      }
      yield { credentials: answers.map(wire) };
    }
  } finally {
    stop();
    stream.done();
  }
}

async function answersTo(
  names: readonly string[],
  { workload }: SpiffeId,
  { store, rootNamespace }: CredentialServiceOptions,
): Promise<readonly Answer[]> {
  const { namespace = '', serviceAccount = '' } = workload ?? {};
  const account = await store.get({ kind: 'ServiceAccount', namespace, name: serviceAccount });
  const labels = account?.metadata.labels ?? {};
  const rules = (await store.list(RULES, namespace)).items as readonly DestinationRule[];
  const entitled =
    account === undefined
      ? new Map()
      : new Map(namedCredentials(rules, { namespace, labels }).map((each) => [each.name, each]));
  const secretOf = async (name: string): Promise<Secret | undefined> => {
    const found = (await store.get({ kind: 'Secret', namespace, name })) as Secret | undefined;
    return found !== undefined && isOwnSecret(found, rootNamespace) ? undefined : found;
  };
  return await Promise.all(
    names.map(async (name): Promise<Answer> => {
      const use = entitled.get(name);
      if (use === undefined) {
        const problem = `credentialName: no DestinationRule of namespace ${namespace} with a workloadSelector that selects ServiceAccount ${serviceAccount} names Secret ${name}`;
        return { name, rule: undefined, isShown: false, held: { problem } };
      }
      const { rule, isShown } = use;
      const [named, authorities] = [await secretOf(name), await secretOf(`${name}-cacert`)];
      const reference = `${namespace}/${name}`;
      return {
        name,
        rule,
        isShown,
        held: secretCredential({ reference, named, authorities, isShown }),
      };
    }),
  );
}

function wire({ name, held }: Answer) {
  const given = 'credential' in held ? held.credential : undefined;
  return {
    name,
    certificate: given?.certificate ?? '',
    privateKey: given?.privateKey ?? '',
    authorities: given?.authorities ?? '',
    revocationList: given?.revocationList ?? '',
    problem: 'problem' in held ? held.problem : '',
  };
}

function digest(held: HeldCredential): string {
  return createHash('sha256').update(JSON.stringify(held)).digest('base64');
}
