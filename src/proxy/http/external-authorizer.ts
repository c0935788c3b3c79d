import type { ConnectionFacts } from '../../policy/authorization/call.ts';
import type { ExtensionProvider } from '../../policy/extension-provider.ts';
import type { CallingPeer } from '../enforcement.ts';
import type { CheckedBody } from './body-for-check.ts';
import type { Field } from './fields.ts';
import type { HttpRequest } from './http-request.ts';

/** A request, or a connection, about which somebody outside of the mesh's policies is asked. */
export interface ExternalQuestion {
  readonly provider: ExtensionProvider;
  readonly connection: ConnectionFacts;
  readonly peer: CallingPeer | undefined;
  /** SPIFFE ID of this workload. */
  readonly ownId: string;
  /** Undefined: it is about a connection of TCP, which providers that speak gRPC can be asked about. */
  readonly request: HttpRequest | undefined;
  /** Where the provider wants to see it. */
  readonly body: CheckedBody | undefined;
  readonly requestId: string;
}

/** What was said. */
export type ExternalAnswer =
  | {
      readonly allowed: true;
      /** Instead of what the request has of these names. */
      readonly set: readonly Field[];
      /** Beside what the request has. */
      readonly appended: readonly Field[];
      /** In lower case. */
      readonly removed: readonly string[];
      /** For the caller, when the workload has answered. */
      readonly answerFields: readonly Field[];
      /** Where nobody could be asked and the provider is to be passed over then. */
      readonly passedOver?: string;
    }
  | {
      readonly allowed: false;
      readonly status: number;
      readonly fields: readonly Field[];
      readonly body: string;
      /** Why, where it was not the provider that said so. */
      readonly failure?: string;
    };

/** Asks. Never rejects: what fails is answered as the provider's settings say. */
export type ExternalAuthorizer = (question: ExternalQuestion) => Promise<ExternalAnswer>;
