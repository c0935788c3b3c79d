import type { Distribution } from '../../src/control/distribution/distribution.ts';
import type { Viewer } from '../../src/control/distribution/distribution-events.ts';
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../../src/gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Resource } from '../../src/resources/resource.ts';
import { SpiffeId } from '../../src/spiffe/spiffe-id.ts';
import { TrustDomain } from '../../src/spiffe/trust-domain.ts';
import { DeltaClientSession } from '../../src/xds/delta-client-session.ts';
import { decodeFact } from '../../src/xds/fact.ts';
import { HeldResources } from '../../src/xds/held-resources.ts';
import { Outbox } from '../../src/xds/outbox.ts';

/** Somebody in a namespace, as a client certificate would say. */
export function viewerIn(namespace: string, serviceAccount: string = 'default'): Viewer {
  const id = SpiffeId.forServiceAccount(
    TrustDomain.parse('cluster.local'),
    namespace,
    serviceAccount,
  );
  return { id, namespace, serviceAccount };
}

/** A stream to a distribution, without a network: what is pushed is asked, what is taken was sent. */
export class FactStream {
  readonly requests = new Outbox<DeltaDiscoveryRequest>();
  readonly #aborting = new AbortController();
  readonly #responses: AsyncGenerator<DeltaDiscoveryResponse>;

  constructor(distribution: Distribution, viewer: Viewer) {
    this.#responses = distribution.serve(this.requests, viewer, this.#aborting.signal);
  }

  async next(): Promise<DeltaDiscoveryResponse> {
    const { value, done } = await this.#responses.next();
    if (done === true) throw new Error('the stream has ended');
    return value;
  }

  /** As if the connection were cut. */
  cut(): void {
    this.#aborting.abort();
  }
}

/** An agent that subscribes to all of some types, takes what it is sent and acknowledges it. */
export class FactViewer {
  readonly held: HeldResources<Resource>;
  readonly viewer: Viewer;
  readonly #distribution: Distribution;
  readonly #types: readonly string[];
  /** Names of resources that it rejects. */
  readonly rejects = new Set<string>();
  /** Names of resources that it has ever rejected. */
  readonly everRejected = new Set<string>();
  /** All responses since it was made. */
  readonly received: DeltaDiscoveryResponse[] = [];
  #stream: FactStream | undefined;
  #reading: Promise<void> = Promise.resolve();

  constructor(distribution: Distribution, viewer: Viewer, types: readonly string[]) {
    this.#distribution = distribution;
    this.viewer = viewer;
    this.#types = types;
    this.held = new HeldResources({
      decode: (received) => {
        if (this.rejects.has(received.name)) {
          this.everRejected.add(received.name);
          throw new Error('it is not to my liking');
        }
        return decodeFact(received) as Resource;
      },
    });
  }

  connect(): void {
    const stream = new FactStream(this.#distribution, this.viewer);
    const session = new DeltaClientSession({
      types: this.#types,
      node: { id: `agent of ${this.viewer.id}` },
      sink: this.held,
    });
    for (const request of session.open()) stream.requests.push(request);
    this.#stream = stream;
    this.#reading = this.#read(stream, session);
  }

  async disconnect(): Promise<void> {
    this.#stream?.cut();
    await this.#reading;
  }

  /** `name@version` of all that is held, of all types, sorted. */
  get holds(): readonly string[] {
    return this.#types
      .flatMap((type) => [...this.held.versions(type)].map(([name, v]) => `${type} ${name}@${v}`))
      .sort();
  }

  async #read(stream: FactStream, session: DeltaClientSession): Promise<void> {
    try {
      for (;;) {
        const response = await stream.next();
        this.received.push(response);
        stream.requests.push(session.receive(response).reply);
      }
    } catch {
      // The stream has ended; what is held stays.
    }
  }
}
