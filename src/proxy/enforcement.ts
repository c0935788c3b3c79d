import type { Watchable } from '../lib/watchable.ts';
import type { Authorization } from '../policy/authorization/authorization.ts';
import type { CustomPhase } from '../policy/authorization/authorize.ts';
import type { ConnectionFacts } from '../policy/authorization/call.ts';
import { compileAuthorization } from '../policy/authorization/compile-authorization.ts';
import { JUDGED_BY_REQUEST } from '../policy/authorization/judged-by-request.ts';
import {
  type EffectiveMode,
  effectivePeerAuthentication,
} from '../policy/effective-peer-authentication.ts';
import type { MeshFacts } from '../policy/mesh-facts.ts';
import { type DeclaredProtocol, declaredProtocol } from '../policy/upstream/declared-protocol.ts';
import type { Workload } from '../policy/workload.ts';
import type { LiveSettings } from './live-settings.ts';

/** An inbound connection as the policies see it. */
export interface Admission {
  /** Whether mutual TLS proved who the caller is. */
  readonly mutualTls: boolean;
  readonly facts: ConnectionFacts;
  /** What the caller proved to be; undefined without mutual TLS. */
  readonly peer?: CallingPeer;
}

/** Who calls, for whoever is told of it. */
export interface CallingPeer {
  readonly id: string;
  readonly certificateHash: string;
}

/** Whether it may be, in one line that names policy and rule. */
export type Verdict =
  | { readonly allowed: true; readonly decision: string }
  | {
      readonly allowed: false;
      readonly reason: 'authorization' | 'plaintext';
      readonly decision: string;
    };

/** What an Enforcement follows and decides for. */
export interface EnforcementOptions {
  /** Its labels change with its service account, and with them which policies select it. */
  readonly workload: Watchable<Workload>;
  readonly settings: LiveSettings;
  readonly facts: Watchable<MeshFacts>;
}

/** The policies of one workload, compiled once per change and asked once per connection. */
export class Enforcement {
  readonly #options: EnforcementOptions;
  readonly #stop: () => void;
  readonly #listeners = new Set<() => void>();
  readonly #modes = new Map<number, EffectiveMode>();
  readonly #protocols = new Map<number, DeclaredProtocol>();
  #authorization: Authorization;
  #generation = 0;

  constructor(options: EnforcementOptions) {
    this.#options = options;
    this.#authorization = this.#compile();
    const stops = [options.facts, options.workload].map((followed) =>
      followed.subscribe(() => this.#recompile()),
    );
    this.#stop = () => {
      for (const stop of stops) stop();
    };
  }

  /** Another number after each change. */
  get generation(): number {
    return this.#generation;
  }

  /** The policies on who may call the workload; another value after each change. */
  get authorization(): Authorization {
    return this.#authorization;
  }

  /** How the workload requires mutual TLS on one of its own ports. */
  mode(port: number): EffectiveMode {
    const known = this.#modes.get(port);
    if (known !== undefined) return known;
    const { facts, workload, settings } = this.#options;
    const { peerAuthentications } = facts.current;
    const mode = effectivePeerAuthentication(
      peerAuthentications,
      workload.current,
      port,
      settings.current,
    );
    this.#modes.set(port, mode);
    return mode;
  }

  /** What one of the workload's own ports is declared to speak. */
  protocol(port: number): DeclaredProtocol {
    const { facts, workload, settings } = this.#options;
    return this.#protocols.getOrInsertComputed(port, () =>
      declaredProtocol(facts.current, workload.current, port, settings.current),
    );
  }

  /** Whether the connection may be as far as PeerAuthentication goes: what it carries is judged later. */
  judgeTransport({ mutualTls, facts }: Admission): Verdict {
    const mode = mutualTls ? undefined : this.mode(facts.destinationPort);
    if (mode?.mode !== 'STRICT') return { allowed: true, decision: JUDGED_BY_REQUEST };
    const decision = describeStrict(mode, facts.destinationPort);
    return { allowed: false, reason: 'plaintext', decision };
  }

  /**
   * The same question at accept and, for what is open, after each change. A connection about which somebody has to be
   * asked is refused, unless the answer is there.
   */
  judge(admission: Admission, custom: CustomPhase = 'pending'): Verdict {
    const { facts } = admission;
    const transport = this.judgeTransport(admission);
    if (!transport.allowed) return transport;
    const decision = this.#authorization.authorizeConnection(facts, custom);
    const { text } = this.#authorization.explain({ connection: facts }, decision);
    return decision.verdict === 'allow'
      ? { allowed: true, decision: text }
      : { allowed: false, reason: 'authorization', decision: text };
  }

  /** Calls `listener` after each change of the policies. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  stop(): void {
    this.#listeners.clear();
    this.#stop();
  }

  #recompile(): void {
    this.#authorization = this.#compile();
    this.#modes.clear();
    this.#protocols.clear();
    this.#generation += 1;
    for (const listener of this.#listeners) listener();
  }

  #compile(): Authorization {
    const { facts, workload, settings } = this.#options;
    return compileAuthorization(
      facts.current.authorizationPolicies,
      workload.current,
      settings.current,
    );
  }
}

/** Why plaintext is refused on a port, naming the policy. */
export function describeStrict({ by }: EffectiveMode, port: number): string {
  const policy =
    by === undefined
      ? 'the mesh'
      : `PeerAuthentication ${by.namespace}/${by.name} (${by.scope} level)`;
  return `${policy} is STRICT: port ${port} takes mutual TLS only`;
}
