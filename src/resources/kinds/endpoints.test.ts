import { expect, it } from 'vitest';
import { problemsOf, resourceOf } from '../../../test/kit/validated.ts';
import { validateUpdate } from '../validate-update.ts';
import { endpointSlice } from './endpoint-slice.ts';
import { endpoints } from './endpoints.ts';

const of = (subsets: string) =>
  `{apiVersion: v1, kind: Endpoints, metadata: {name: a}, subsets: ${subsets}}`;
const slice = (list: string, type = 'IPv4') =>
  `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a}, addressType: ${type}, endpoints: ${list}, ports: [{port: 80}]}`;

it('shows the first few endpoints with their ports', () => {
  const cell = endpoints.columns[0]?.cell;
  const four = '[{ip: 10.0.0.1}, {ip: 10.0.0.2}, {ip: 10.0.0.3}, {ip: 10.0.0.4}]';
  expect(cell?.(resourceOf(of(`[{addresses: ${four}, ports: [{port: 80}]}]`)))).toBe(
    '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...',
  );
  expect(cell?.(resourceOf(of('[]')))).toBe('<none>');
});

it.each([
  [of('[{addresses: [{ip: x}]}]'), 'subsets[0].addresses[0].ip: "x" is not an IP address'],
  [of('[{}]'), 'subsets[0]: must have addresses or notReadyAddresses'],
  [
    of('[{addresses: [{ip: 10.0.0.1}], ports: [{port: 0}]}]'),
    'subsets[0].ports[0].port: must be between 1 and 65535, not 0',
  ],
  [slice('[{addresses: ["::1"]}]'), 'endpoints[0].addresses[0]: "::1" is not an IPv4 address'],
  [
    slice('[{addresses: []}]'),
    'endpoints[0].addresses: must have at least one element; leave it out if none is meant',
  ],
  [slice('[]', 'IPv5'), 'addressType: "IPv5" is not one of IPv4, IPv6, FQDN; did you mean "IPv4"?'],
])('refuses %s', (yaml, problem) => {
  expect(problemsOf(yaml)).toEqual([problem]);
});

it('takes a slice, and keeps its sort of addresses', () => {
  const old = resourceOf(slice('[{addresses: [10.0.0.1], conditions: {ready: true}}]'));
  expect(old).toMatchObject({ ports: [{ port: 80, protocol: 'TCP' }] });
  expect(endpointSlice.columns.map((column) => column.cell?.(old))).toEqual([
    undefined,
    '80',
    '10.0.0.1',
    undefined,
  ]);
  const other = resourceOf(slice('[]', 'FQDN'));
  expect(validateUpdate(old, other, { definition: endpointSlice })).toMatchObject([
    { field: 'addressType' },
  ]);
});
