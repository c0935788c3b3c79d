import { expect, it } from 'vitest';
import { ServerFirstPorts } from './server-first-ports.ts';

it('learns a port of three clients in a row that wait for the server', () => {
  const ports = new ServerFirstPorts();
  ports.wasSilent(25);
  ports.wasSilent(25);
  expect(ports.has(25)).toBe(false);
  ports.wasSilent(25);
  expect(ports.has(25)).toBe(true);
  expect(ports.has(80)).toBe(false);
});

it('begins anew when a client speaks first', () => {
  const ports = new ServerFirstPorts();
  for (let client = 0; client < 9; client += 1) ports.wasSilent(25);
  ports.spokeFirst(25);
  expect(ports.has(25)).toBe(false);
  ports.wasSilent(25);
  ports.wasSilent(25);
  expect(ports.has(25)).toBe(false);
});
