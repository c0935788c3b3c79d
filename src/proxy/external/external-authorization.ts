import type { Duplex } from 'node:stream';
import { messageOf } from '../../lib/errors.ts';
import type { Address } from '../address.ts';
import type { Channel } from '../bytes/channel.ts';
import { DialedChannel } from '../http/dialed-channel.ts';
import type {
  ExternalAnswer,
  ExternalAuthorizer,
  ExternalQuestion,
} from '../http/external-authorizer.ts';
import { askByGrpc } from './ask-by-grpc.ts';
import { askByHttp } from './ask-by-http.ts';
import { ChannelDuplex } from './channel-duplex.ts';

/** A connection to a service of the mesh. @throws when there is none. */
export type ServiceDialer = (service: Address) => Promise<Channel>;

/** Longest that a caller is kept waiting, whatever the provider's settings say. */
const MAX_TIMEOUT_MS = 60_000;

/**
 * Asks the providers of CUSTOM policies through the mesh, by HTTP or gRPC. Where there is no answer in
 * time the provider's settings say what becomes of the request: by default it is refused.
 */
export function externalAuthorization(dial: ServiceDialer): ExternalAuthorizer {
  return async (question) => {
    const { provider } = question;
    const connection = connectionTo(provider, dial);
    const signal = AbortSignal.timeout(Math.min(provider.timeoutMs, MAX_TIMEOUT_MS));
    try {
      const ask = provider.protocol === 'http' ? askByHttp : askByGrpc;
      return await ask(question, connection, signal);
    } catch (error) {
      return unanswered(question, signal.aborted ? 'does not answer in time' : messageOf(error));
    } finally {
      connection.destroy();
    }
  };
}

function connectionTo(
  { service, port }: ExternalQuestion['provider'],
  dial: ServiceDialer,
): Duplex {
  const host = service.slice(service.indexOf('/') + 1);
  return new ChannelDuplex(new DialedChannel(() => dial({ host, port })));
}

function unanswered({ provider }: ExternalQuestion, reason: string): ExternalAnswer {
  if (provider.failOpen) {
    return {
      ...{ allowed: true, set: [], appended: [], removed: [], answerFields: [] },
      passedOver: reason,
    };
  }
  const failure = `cannot be asked: ${reason}`;
  return { allowed: false, status: provider.statusOnError, fields: [], body: '', failure };
}
