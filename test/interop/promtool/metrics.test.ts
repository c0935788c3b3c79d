import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { controlPlaneMetrics } from '../../../src/telemetry/control-plane-metrics.ts';
import { MetricRegistry } from '../../../src/telemetry/metric-registry.ts';
import { describeSidecar, sidecarMetrics } from '../../../src/telemetry/sidecar-metrics.ts';
import { peer } from '../../kit/peer.ts';

const totals = { pushed: 1, acknowledged: 1, rejected: 0 };

function ofControlPlane(): MetricRegistry {
  const metrics = new MetricRegistry({ version: '1.2.3', component: 'control-plane' });
  const federated = { trustDomain: 'partner.example', failures: 1, lastSuccess: undefined };
  const events = controlPlaneMetrics(metrics, {
    certificates: () => [{ role: 'root', notAfterMs: 2e12 }],
    ...{ storeVersion: () => 7, factsVersion: () => 6, streams: () => 3, behind: () => 1 },
    ...{ revoked: () => 0, clockSkews: () => [10], federation: () => [federated as never] },
  });
  const changes = [{ key: { kind: 'Service', name: 'a' }, action: 'created' }];
  events.resourcesChanged?.({ actor: 'a', changes: changes as never });
  events.certificateRefused?.({ code: 'ERR_CSR', reason: 'x', id: undefined, peerAddress: 'y' });
  return metrics;
}

function ofSidecar(): MetricRegistry {
  const metrics = new MetricRegistry({ version: '1.2.3', component: 'sidecar' });
  const { proxy } = sidecarMetrics(metrics);
  proxy.connectionOpened({ direction: 'inbound', transport: 'hbone' } as never);
  describeSidecar(metrics, {
    ...{
      certificateNotAfterMs: () => 2e12,
      inSync: () => true,
      openConnections: () => ({ inbound: 0, outbound: 0 }),
    },
    workers: () => [],
    sds: () => ({
      ...{ clients: [], acknowledged: 1, rejected: 0 },
      byResource: { certificate: totals, validation: totals, both: totals },
    }),
    ...{
      credentials: () => new Map(),
      federated: () => 1,
      clockSkewMs: () => 5,
      clockJumps: () => 0,
    },
  });
  return metrics;
}

peer('promtool', (promtool) => {
  it.each([
    ['the control plane', ofControlPlane],
    ['a sidecar', ofSidecar],
  ])('finds nothing to say against the metrics of %s', async (_, make) => {
    const { body } = await make().page();
    const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], {
      ...{ input: body, encoding: 'utf8', timeout: 20_000 },
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});
