import { expect, it } from 'vitest';
import { LAST_APPLIED, lastApplied, withLastApplied } from './last-applied.ts';

const service = {
  kind: 'Service',
  apiVersion: 'v1',
  metadata: { name: 'web', namespace: 'shop', annotations: { note: 'a <b> & c' } },
  spec: { ports: [{ port: 80 }] },
};

it('notes what is applied as kubectl does, to the byte', () => {
  expect(withLastApplied(service).metadata.annotations?.[LAST_APPLIED]).toBe(
    '{"apiVersion":"v1","kind":"Service","metadata":{"annotations":{"note":"a \\u003cb\\u003e \\u0026 c"},"name":"web","namespace":"shop"},"spec":{"ports":[{"port":80}]}}\n',
  );
});

it('notes itself not again', () => {
  const once = withLastApplied(service);
  expect(withLastApplied(once)).toEqual(once);
  expect(lastApplied(once)).toEqual(service);
});

it('knows nothing of an object that nobody applied, or whose note is broken', () => {
  expect(lastApplied(service)).toBeUndefined();
  const annotations = { [LAST_APPLIED]: '{' };
  expect(lastApplied({ ...service, metadata: { name: 'web', annotations } })).toBeUndefined();
});
