import { expect, it } from 'vitest';
import { resourceOf } from '../../../test/kit/validated.ts';
import type { Resource } from '../resource.ts';
import { validateUpdate } from '../validate-update.ts';
import { type Service, service } from './service.ts';

function of(spec: string): Resource {
  return resourceOf(`{apiVersion: v1, kind: Service, metadata: {name: a}, spec: ${spec}}`);
}
function cells(resource: Resource) {
  return Object.fromEntries(
    service.columns.map((column) => [column.name, column.cell?.(resource)]),
  );
}

it('shows addresses, ports and selector as kubectl does', () => {
  const spec =
    '{clusterIP: 10.0.0.9, selector: {app: a, tier: b}, ports: [{name: a, port: 80}, {name: b, port: 53, protocol: UDP, nodePort: 30053}]}';
  expect(cells(of(spec))).toMatchObject({
    'Cluster-IP': '10.0.0.9',
    'External-IP': '<none>',
    'Port(s)': '80/TCP,53:30053/UDP',
    Selector: 'app=a,tier=b',
  });
  expect(cells(of('{type: ExternalName, externalName: a.b}'))).toMatchObject({
    'Cluster-IP': '<none>',
    'External-IP': 'a.b',
    'Port(s)': '<none>',
  });
});

it('keeps the address that it was given when it is written again without one', () => {
  const old = of('{clusterIP: 10.0.0.9, clusterIPs: [10.0.0.9], ports: [{port: 80}]}') as Service;
  const written = of('{ports: [{port: 81}]}') as Service;
  expect(service.completeUpdate?.(old, written).spec).toMatchObject({
    clusterIP: '10.0.0.9',
    clusterIPs: ['10.0.0.9'],
    ports: [{ port: 81 }],
  });
  const other = of('{clusterIP: 10.0.0.8, ports: [{port: 80}]}');
  expect(validateUpdate(old, other, { definition: service })).toMatchObject([
    { field: 'spec.clusterIP' },
  ]);
});
