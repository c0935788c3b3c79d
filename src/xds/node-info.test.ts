import { create, type JsonObject } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { NodeSchema } from '../gen/envoy/config/core/v3/base_pb.js';
import { nodeInfo } from './node-info.ts';

function withMetadata(metadata: JsonObject) {
  return create(NodeSchema, { id: 'agent', cluster: 'shop', metadata });
}

it('keeps ID, cluster and metadata', () => {
  const metadata = { labels: { app: 'web' }, ports: [80, 443], ready: true, none: null };
  expect(nodeInfo(withMetadata(metadata), 1_000)).toEqual({
    id: 'agent',
    cluster: 'shop',
    metadata,
  });
});

it('takes a client that says nothing of itself', () => {
  expect(nodeInfo(undefined, 1_000)).toEqual({ id: '', cluster: '', metadata: {} });
});

it.each<[string, JsonObject]>([
  ['long text', { text: 'x'.repeat(1_000) }],
  ['a long key', { ['k'.repeat(1_000)]: 1 }],
  ['many small values', { list: new Array(200).fill(null) }],
  ['deep nesting', JSON.parse(`${'{"a":'.repeat(20)}1${'}'.repeat(20)}`)],
])('refuses metadata with %s', (_what, metadata) => {
  expect(() => nodeInfo(withMetadata(metadata), 1_000)).toThrow(
    expect.objectContaining({ code: 'ERR_LIMIT' }),
  );
});

it('refuses a long ID', () => {
  expect(() => nodeInfo(create(NodeSchema, { id: 'x'.repeat(1_001) }), 1_000)).toThrow(
    expect.objectContaining({ code: 'ERR_LIMIT' }),
  );
});
