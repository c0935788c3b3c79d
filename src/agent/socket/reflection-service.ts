import {
  create,
  type DescFile,
  type DescService,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import {
  type ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '../../gen/grpc/reflection/v1/reflection_pb.js';
import {
  ServerReflectionRequestSchema as AlphaRequestSchema,
  ServerReflectionResponseSchema as AlphaResponseSchema,
  type ServerReflection as ServerReflectionAlpha,
} from '../../gen/grpc/reflection/v1alpha/reflection_pb.js';
import {
  type DescribedServices,
  describedServices,
  fileDescriptor,
  withImports,
} from '../facts/described-services.ts';

export interface ReflectionOptions {
  /** What the server has, without reflection itself. */
  readonly services: readonly DescService[];
  /** Ends every stream. */
  readonly signal: AbortSignal;
}

/** gRPC server reflection in both versions, which differ by their package only. */
export interface ReflectionServices {
  readonly v1: ServiceImpl<typeof ServerReflection>;
  readonly v1alpha: ServiceImpl<typeof ServerReflectionAlpha>;
}

type Answer = NonNullable<
  MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']
>;

/** Lets tools such as grpcurl ask what the socket has (SPIFFE Workload Endpoint: SHOULD). */
export function reflectionServices({ services, signal }: ReflectionOptions): ReflectionServices {
  let index: DescribedServices | undefined;
  const known = (): DescribedServices => {
    index ??= describedServices(services);
    return index;
  };
  return {
    v1: {
      serverReflectionInfo: (requests, context) =>
        answers(requests, known, AbortSignal.any([signal, context.signal])),
    },
    v1alpha: {
      async *serverReflectionInfo(requests, context) {
        const until = AbortSignal.any([signal, context.signal]);
        for await (const response of answers(asStable(requests), known, until)) {
          const bytes = toBinary(ServerReflectionResponseSchema, response);
          yield fromBinary(AlphaResponseSchema, bytes);
        }
      },
    },
  };
}

/** The versions have the same messages under two names. */
async function* asStable(
  requests: Parameters<ReflectionServices['v1alpha']['serverReflectionInfo']>[0],
): AsyncGenerator<ServerReflectionRequest> {
  for await (const request of requests) {
    yield fromBinary(ServerReflectionRequestSchema, toBinary(AlphaRequestSchema, request));
  }
}

async function* answers(
  requests: AsyncIterable<ServerReflectionRequest>,
  known: () => DescribedServices,
  signal: AbortSignal,
): AsyncGenerator<ServerReflectionResponse> {
  const sent = new Set<DescFile>();
  for await (const originalRequest of requests) {
    if (signal.aborted) return;
    yield create(ServerReflectionResponseSchema, {
      ...{ validHost: originalRequest.host, originalRequest },
      messageResponse: answer(originalRequest.messageRequest, known(), sent),
    });
  }
}

function answer(
  { case: what, value }: ServerReflectionRequest['messageRequest'],
  known: DescribedServices,
  sent: Set<DescFile>,
): Answer {
  switch (what) {
    case 'listServices':
      return {
        case: 'listServicesResponse',
        value: { service: known.names.map((name) => ({ name })) },
      };
    case 'fileByFilename':
      return files(known.file(value), value, sent);
    case 'fileContainingSymbol':
      return files(known.fileOf(value), value, sent);
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = value;
      const file = known.fileOfExtension(containingType, extensionNumber);
      return files(file, `${containingType} ${extensionNumber}`, sent);
    }
    case 'allExtensionNumbersOfType': {
      const extensionNumber = known.extensionNumbers(value);
      if (extensionNumber === undefined) return notFound(value);
      return {
        case: 'allExtensionNumbersResponse',
        value: { baseTypeName: value, extensionNumber: [...extensionNumber] },
      };
    }
    case undefined:
      return failure(Code.InvalidArgument, 'the request asks for nothing that is known here');
  }
}

/** The file, and of what it imports all that this stream was not sent yet. */
function files(file: DescFile | undefined, name: string, sent: Set<DescFile>): Answer {
  if (file === undefined) return notFound(name);
  const fresh = [...withImports(file)].filter((each) => each === file || !sent.has(each));
  for (const each of fresh) sent.add(each);
  return {
    case: 'fileDescriptorResponse',
    value: { fileDescriptorProto: fresh.map(fileDescriptor) },
  };
}

function notFound(name: string): Answer {
  return failure(Code.NotFound, `not known here: ${JSON.stringify(name.slice(0, 200))}`);
}

function failure(errorCode: Code, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
