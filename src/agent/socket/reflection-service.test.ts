import { create, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, createClient } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { SpiffeSocketRig } from '../../../test/kit/spiffe-socket.ts';
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
} from '../../gen/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.js';

type Request = ServerReflectionRequest['messageRequest'];

const asks = (messageRequest: Request): ServerReflectionRequest =>
  create(ServerReflectionRequestSchema, { messageRequest });

/** The answers to requests on one stream. */
async function ask(
  rig: SpiffeSocketRig,
  ...requests: Request[]
): Promise<ServerReflectionResponse['messageResponse'][]> {
  const client = createClient(ServerReflection, rig.transport());
  const answers = [];
  const sent = (async function* () {
    for (const each of requests) yield asks(each);
  })();
  for await (const { messageResponse } of client.serverReflectionInfo(sent)) {
    answers.push(messageResponse);
  }
  return answers;
}

function fileNames(response: ServerReflectionResponse['messageResponse'] | undefined): string[] {
  if (response?.case !== 'fileDescriptorResponse') throw new Error(`answered ${response?.case}`);
  const { fileDescriptorProto: files } = response.value;
  return files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name ?? '');
}

it('lists what the socket has, in both versions and without the header of the Workload API', async () => {
  await using rig = await SpiffeSocketRig.start();
  const names = [
    'SpiffeWorkloadAPI',
    'envoy.service.secret.v3.SecretDiscoveryService',
    'grpc.health.v1.Health',
  ];
  const [stable] = await ask(rig, { case: 'listServices', value: '' });
  expect(stable).toMatchObject({ value: { service: names.map((name) => ({ name })) } });
  const alpha = createClient(ServerReflectionAlpha, rig.transport());
  const question = (async function* () {
    yield { messageRequest: { case: 'listServices' as const, value: '' } };
  })();
  for await (const { messageResponse } of alpha.serverReflectionInfo(question)) {
    expect(messageResponse).toMatchObject({ value: { service: names.map((name) => ({ name })) } });
  }
});

it.each([
  'SpiffeWorkloadAPI',
  'SpiffeWorkloadAPI.FetchX509SVID',
  'X509SVIDResponse',
  'X509SVIDResponse.svids',
])('gives the file of %s with what it imports', async (value) => {
  await using rig = await SpiffeSocketRig.start();
  const [answer] = await ask(rig, { case: 'fileContainingSymbol', value });
  expect(fileNames(answer)).toEqual(['spiffe/workload.proto', 'google/protobuf/struct.proto']);
});

it('finds files by name, enum values beside their enum, and extensions by their number', async () => {
  await using rig = await SpiffeSocketRig.start();
  const answers = await ask(
    rig,
    { case: 'fileByFilename', value: 'grpc/health/v1/health.proto' },
    {
      case: 'fileContainingSymbol',
      value: 'grpc.health.v1.HealthCheckResponse.SERVING',
    },
    { case: 'allExtensionNumbersOfType', value: 'google.protobuf.FieldOptions' },
  );
  expect(answers.slice(0, 2).map(fileNames)).toEqual([
    ['grpc/health/v1/health.proto'],
    ['grpc/health/v1/health.proto'],
  ]);
  const [, , numbers] = answers;
  if (numbers?.case !== 'allExtensionNumbersResponse') throw new Error(`answered ${numbers?.case}`);
  const [extensionNumber = 0] = numbers.value.extensionNumber;
  const containingType = 'google.protobuf.FieldOptions';
  const [file] = await ask(rig, {
    case: 'fileContainingExtension',
    value: { $typeName: 'grpc.reflection.v1.ExtensionRequest', containingType, extensionNumber },
  });
  expect(fileNames(file).length).toBeGreaterThan(0);
});

it('sends an import once a stream', async () => {
  await using rig = await SpiffeSocketRig.start();
  const service = 'envoy.service.secret.v3.SecretDiscoveryService';
  const [first, second] = await ask(
    rig,
    { case: 'fileContainingSymbol', value: service },
    { case: 'fileContainingSymbol', value: service },
  );
  expect(fileNames(first).length).toBeGreaterThan(10);
  expect(fileNames(second)).toEqual(['envoy/service/secret/v3/sds.proto']);
});

it.each([
  { case: 'fileContainingSymbol', value: 'Nobody' },
  { case: 'fileByFilename', value: '../../etc/passwd' },
  { case: 'allExtensionNumbersOfType', value: 'Nobody' },
] as const)('answers NotFound on the stream to $case of $value', async (request) => {
  await using rig = await SpiffeSocketRig.start();
  const [answer, next] = await ask(rig, request, { case: 'listServices', value: '' });
  expect(answer).toMatchObject({ case: 'errorResponse', value: { errorCode: Code.NotFound } });
  expect(next?.case).toBe('listServicesResponse');
});
