import { expect, it } from 'vitest';
import { problemsOf, resourceOf } from '../../../test/kit/validated.ts';
import { event } from './event.ts';

function happened(rest: string, namespace = 'shop'): string {
  return `{apiVersion: v1, kind: Event, metadata: {name: a.1, namespace: ${namespace}}, ${rest}}`;
}

it.each([
  [happened('involvedObject: {kind: Certificate, namespace: shop, name: a}'), []],
  [happened('involvedObject: {kind: Namespace, name: a}', 'default'), []],
  [
    happened('involvedObject: {kind: Certificate, namespace: other, name: a}'),
    ['involvedObject.namespace: must be the namespace of the event'],
  ],
  [
    happened('involvedObject: {kind: Namespace, name: a}'),
    [
      'involvedObject.namespace: of an object in no namespace the event is in the namespace "default"',
    ],
  ],
  [happened('reason: X'), ['involvedObject: is required']],
])('judges %s', (yaml, problems) => {
  expect(problemsOf(yaml)).toEqual(problems);
});

it('shows what happened to what, and when last', () => {
  const resource = resourceOf(
    happened(
      'involvedObject: {kind: Certificate, namespace: shop, name: web}, type: Normal, reason: Issued, message: done, lastTimestamp: "2026-01-01T00:00:00Z", firstTimestamp: null, source: {component: signing, host: a}',
    ),
  );
  const cells = new Map(event.columns.map((column) => [column.name, column.cell?.(resource)]));
  expect(cells.get('Object')).toBe('certificate/web');
  expect(cells.get('Last Seen')).toBe('2026-01-01T00:00:00Z');
  expect(cells.get('Source')).toBe('signing, a');
});

it('can be found by what it is about, as kubectl describe does', () => {
  expect(event.selectableFields).toEqual(
    expect.arrayContaining(['involvedObject.kind', 'involvedObject.name', 'involvedObject.uid']),
  );
});
