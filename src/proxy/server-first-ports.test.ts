import { describe, expect, it } from 'vitest';
import { ServerFirstPorts } from './server-first-ports.ts';

describe('ServerFirstPorts', () => {
  it('learns a port of three clients in a row that wait for the server', () => {
    const ports = new ServerFirstPorts();
    ports.wasSilent(25, 1);
    ports.wasSilent(25, 2);
    expect(ports.has(25)).toBe(false);
    ports.wasSilent(25, 3);
    ports.wasSilent(25, 4);
    expect(ports.list()).toEqual([{ port: 25, sinceMs: 3 }]);
    expect(ports.has(80)).toBe(false);
  });

  it('begins anew when a client speaks first', () => {
    const ports = new ServerFirstPorts();
    for (const nowMs of [1, 2]) ports.wasSilent(25, nowMs);
    ports.spokeFirst(25);
    ports.wasSilent(25, 3);
    expect(ports.has(25)).toBe(false);
    for (const nowMs of [4, 5]) ports.wasSilent(25, nowMs);
    expect(ports.has(25)).toBe(true);
    ports.spokeFirst(25);
    expect(ports.list()).toEqual([]);
  });

  it('lists ports in order', () => {
    const ports = new ServerFirstPorts();
    for (const port of [3306, 25]) for (const nowMs of [1, 2, 3]) ports.wasSilent(port, nowMs);
    expect(ports.list().map(({ port }) => port)).toEqual([25, 3306]);
  });
});
