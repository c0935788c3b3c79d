import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import {
  type Health,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from '../../gen/grpc/health/v1/health_pb.js';
import { newest } from '../../lib/newest.ts';
import type { Watchable } from '../../lib/watchable.ts';

export interface HealthOptions {
  /** Full names; the empty one stands for the server. */
  readonly services: readonly string[];
  /** Looked at anew with each change. */
  readonly state: Watchable<unknown>;
  readonly serving: () => boolean;
  readonly signal: AbortSignal;
}

/** The gRPC health protocol. */
export function healthService(options: HealthOptions): Partial<ServiceImpl<typeof Health>> {
  const known = (service: string): boolean => service === '' || options.services.includes(service);
  return {
    check: ({ service }) => {
      if (known(service)) return answer(statusOf(options));
      throw new ConnectError(`no such service: "${service.slice(0, 100)}"`, Code.NotFound);
    },
    async *watch({ service }, context) {
      const signal = AbortSignal.any([options.signal, context.signal]);
      let last: Status | undefined;
      for await (const _change of newest(options.state, signal)) {
        const status = known(service) ? statusOf(options) : Status.SERVICE_UNKNOWN;
        if (status !== last) yield answer(status);
        last = status;
      }
    },
  };
}

function statusOf({ serving }: HealthOptions): Status {
  return serving() ? Status.SERVING : Status.NOT_SERVING;
}

function answer(status: Status): HealthCheckResponse {
  return create(HealthCheckResponseSchema, { status });
}
