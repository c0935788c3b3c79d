import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
} from '../../src/gen/envoy/service/discovery/v3/discovery_pb.js';
import { DeltaStream, type RequestOutcome } from '../../src/xds/delta-stream.ts';
import type { SubscriptionStatus } from '../../src/xds/delta-subscription.ts';
import { defaultStreamLimits, type StreamLimits } from '../../src/xds/stream-limits.ts';
import { ack, contentOf, WIDGET } from './delta-requests.ts';
import { EditableView } from './editable-view.ts';

/** A DeltaStream over a view that a test writes. Time stands at 0. */
export class StreamRig {
  readonly view: EditableView;
  readonly stream: DeltaStream;

  constructor(limits: Partial<StreamLimits> = {}, view: EditableView = new EditableView()) {
    this.view = view;
    this.stream = new DeltaStream({
      view,
      limits: { ...defaultStreamLimits, ...limits },
      noncePrefix: 'test-',
    });
  }

  handle(asked: DeltaDiscoveryRequest): RequestOutcome {
    return this.stream.handle(asked, 0);
  }

  put(name: string, typeUrl: string = WIDGET): void {
    this.view.put(typeUrl, name);
    this.stream.changed(typeUrl, [name]);
  }

  remove(name: string, typeUrl: string = WIDGET): void {
    this.view.remove(typeUrl, name);
    this.stream.changed(typeUrl, [name]);
  }

  /** The content of the response that is sent now; undefined for none. */
  sent(): readonly string[] | undefined {
    return contentOf(this.stream.next(0));
  }

  next(): DeltaDiscoveryResponse {
    const response = this.stream.next(0);
    if (response === undefined) throw new Error('no response is owed');
    return response;
  }

  /** Sends and acknowledges until nothing is owed; returns all that was sent. */
  settle(): readonly string[] {
    const content: string[] = [];
    for (let response = this.stream.next(0); response; response = this.stream.next(0)) {
      content.push(...(contentOf(response) ?? []));
      this.handle(ack(response));
    }
    return content;
  }

  /** Of the type that was subscribed to first. */
  get status(): SubscriptionStatus | undefined {
    return this.stream.status[0];
  }
}
