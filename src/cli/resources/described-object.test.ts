import { expect, it } from 'vitest';
import { describedObject } from './described-object.ts';

it('says everything of an object in words, without what only machines need', () => {
  const lines = describedObject(
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: {
        ...{ name: 'reviews', namespace: 'shop', managedFields: [{}], labels: { a: 'b', c: 'd' } },
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      },
      spec: {
        host: 'reviews',
        exportTo: ['.', 'x'],
        subsets: [{ name: 'v1', labels: { v: '1' } }],
      },
    },
    { namespaced: true },
  );
  expect(lines).toEqual([
    'Name:         reviews',
    'Namespace:    shop',
    'Labels:       a=b',
    '              c=d',
    'Annotations:  <none>',
    'API Version:  networking.istio.io/v1',
    'Kind:         DestinationRule',
    'Metadata:',
    'Spec:',
    '  Host:  reviews',
    '  Export To:',
    '    .',
    '    x',
    '  Subsets:',
    '  - Name:  v1',
    '    Labels:',
    '      V:  1',
  ]);
});

it('shows conditions as a table', () => {
  const conditions = [
    { type: 'Ready', status: 'False', reason: 'Expired', message: 'since\nyesterday' },
    { type: 'Issuing', status: 'True' },
  ];
  const lines = describedObject(
    { apiVersion: 'x/v1', kind: 'X', metadata: { name: 'x' }, status: { conditions } },
    { namespaced: false },
  );
  expect(lines.slice(-4)).toEqual([
    '  Conditions:',
    '    Type      Status   Reason    Message',
    '    Ready     False    Expired   since\\nyesterday',
    '    Issuing   True',
  ]);
});

it('shows of a Secret how much there is, and never what', () => {
  const lines = describedObject(
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { key: 'aHVudGVyMg==' } },
    { namespaced: true },
  );
  expect(lines.at(-1)).toBe('  Key:  7 bytes');
  expect(lines.join()).not.toContain('aHVud');
});

it('lets no object move the cursor of a terminal', () => {
  const metadata = { name: 'x', labels: { a: '\u001b[2J' } };
  const lines = describedObject(
    { apiVersion: 'v1', kind: 'X', metadata, spec: { b: '\u001b[1A' } },
    { namespaced: false },
  );
  expect(lines.join('\n')).not.toContain('\u001b');
});
