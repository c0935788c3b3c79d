import { describe, expect, it } from 'vitest';
import type { SidecarConfig } from './sidecar-config.ts';
import { WorkloadReport } from './workload-report.ts';

const host = '10.0.0.7';
const at = (port: number) => ({ host, port });

function report(hbone: number, workload: number, advertised?: number): WorkloadReport {
  const config: Partial<SidecarConfig> = {
    hbone: at(hbone),
    inbound: [{ name: 'http', listen: at(workload), app: at(8080) }],
    advertise: { host: undefined, hbonePort: advertised },
  };
  return new WorkloadReport(config as SidecarConfig);
}
const bound = { hbone: at(40_001), inbound: [at(40_002)], outbound: [], capture: [] };

describe('what a sidecar says of its ports', () => {
  it('is at once what it was told, and binding is no news', () => {
    const known = report(15_008, 80);
    const metadata = {
      ...{ NAME: 'reviews-1', INSTANCE_IPS: host },
      ...{ HBONE_PORT: 15_008, PORTS: { http: 80 } },
    };
    expect(known.metadata('reviews-1')).toEqual(metadata);
    const same = { ...bound, hbone: at(15_008), inbound: [at(80)] };
    expect(known.settle(same)).toBe(false);
    expect(known.metadata('reviews-1')).toEqual(metadata);
  });

  it.each([
    [0, 80],
    [15_008, 0],
  ])('is nothing while any will do (%i and %i), and what was bound then', (hbone, workload) => {
    const unknown = report(hbone, workload);
    expect(unknown.metadata('reviews-1')).toEqual({ NAME: 'reviews-1', INSTANCE_IPS: host });
    expect(unknown.settle(bound)).toBe(true);
    expect(unknown.metadata('reviews-1')).toMatchObject({
      ...{ HBONE_PORT: 40_001, PORTS: { http: 40_002 } },
    });
  });

  it('is the advertised port whichever is bound', () => {
    const behind = report(0, 80, 15_008);
    expect(behind.metadata('reviews-1')).toMatchObject({ HBONE_PORT: 15_008 });
    expect(behind.settle(bound)).toBe(false);
    expect(behind.metadata('reviews-1')).toMatchObject({ HBONE_PORT: 15_008 });
  });
});
