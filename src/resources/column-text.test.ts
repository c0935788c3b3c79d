import { expect, it } from 'vitest';
import { columnText } from './column-text.ts';
import type { Column } from './kind-definition.ts';

const resource = {
  apiVersion: 'v1',
  kind: 'A',
  metadata: { name: 'a' },
  spec: { hosts: ['x', 'y'], weight: 0, on: false, nothing: null },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Issuing', status: 'False' },
    ],
  },
};
const column = (jsonPath: string): Column => ({ name: 'A', type: 'string', jsonPath });

it.each([
  ['.metadata.name', 'a'],
  ['.spec.weight', '0'],
  ['.spec.on', 'false'],
  ['.spec.nothing', ''],
  ['.spec.missing.deeper', ''],
  ['.spec.hosts', '["x","y"]'],
  ['.spec.hosts[*]', '["x","y"]'],
  ['.spec.hosts[1]', 'y'],
  ['.status.conditions[?(@.type == "Ready")].status', 'True'],
  ['.status.conditions[?(@.type=="Approved")].status', ''],
])('reads %s as %j', (jsonPath, text) => {
  expect(columnText(column(jsonPath))(resource)).toBe(text);
});

it('asks the kind where no path can say it', () => {
  const counted: Column = { ...column('.spec.hosts'), cell: () => 2 };
  expect(columnText(counted)(resource)).toBe('2');
  expect(columnText({ ...counted, cell: () => undefined })(resource)).toBe('');
});
