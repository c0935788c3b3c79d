import { create, type JsonObject } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { NodeSchema } from '../../gen/envoy/config/core/v3/base_pb.js';
import { sdsValidator } from './sds-validator.ts';

it.each([
  [1, 17, 'plain'],
  [1, 18, 'spiffe'],
  [1, 40, 'spiffe'],
  [2, 0, 'spiffe'],
  [0, 99, 'plain'],
] as const)('Envoy %i.%i gets the %3$s one', (majorNumber, minorNumber, expected) => {
  const build = { version: { majorNumber, minorNumber } };
  const asMessage = create(NodeSchema, {
    userAgentVersionType: { case: 'userAgentBuildVersion', value: build },
  });
  const value = `${majorNumber}.${minorNumber}.3`;
  const asText = create(NodeSchema, { userAgentVersionType: { case: 'userAgentVersion', value } });
  expect([sdsValidator(asMessage), sdsValidator(asText)]).toEqual([expected, expected]);
});

it.each([undefined, create(NodeSchema), nodeWithVersion('trunk')])(
  'an unknown version counts as new',
  (node) => expect(sdsValidator(node)).toBe('spiffe'),
);

it.each<[JsonObject, string]>([
  [{ disable_spiffe_cert_validation: true }, 'plain'],
  [{ disable_spiffe_cert_validation: 'true' }, 'plain'],
  [{ disable_spiffe_cert_validation: false }, 'spiffe'],
  [{ disable_spiffe_cert_validation: 'false' }, 'spiffe'],
  [{ disable_spiffe_cert_validation: { a: 1 } }, 'spiffe'],
])('metadata %j gives the %s one', (metadata, expected) => {
  expect(sdsValidator(create(NodeSchema, { metadata }))).toBe(expected);
});

function nodeWithVersion(value: string) {
  return create(NodeSchema, { userAgentVersionType: { case: 'userAgentVersion', value } });
}
