import { describe, expect, it } from 'vitest';
import { readMetrics, sampleOf } from '../../test/kit/check-metrics.ts';
import { ask, dial, startPair, until } from '../../test/kit/proxy-pair.ts';
import { allControlEvents } from './all-control-events.ts';
import { controlPlaneMetrics } from './control-plane-metrics.ts';
import { MetricRegistry } from './metric-registry.ts';
import { startMonitoringServer, text } from './monitoring-server.ts';
import { describeSidecar, sidecarMetrics } from './sidecar-metrics.ts';

const build = { version: '1.2.3', component: 'test' };

async function samplesOf(metrics: MetricRegistry) {
  return readMetrics((await metrics.page()).body);
}

describe('the metrics of a sidecar', () => {
  const totals = { pushed: 3, acknowledged: 2, rejected: 1 };
  const none = { pushed: 0, acknowledged: 0, rejected: 0 };

  function described(): { metrics: MetricRegistry; listeners: ReturnType<typeof sidecarMetrics> } {
    const metrics = new MetricRegistry(build);
    const listeners = sidecarMetrics(metrics);
    describeSidecar(metrics, {
      certificateNotAfterMs: () => 1_800_000_000_500,
      inSync: () => true,
      openConnections: () => ({ inbound: 1, outbound: 0 }),
      workers: () => [],
      sds: () => ({
        ...{ clients: [], acknowledged: 2, rejected: 1 },
        byResource: { certificate: totals, validation: none, both: none },
      }),
      credentials: () => new Map([['api', { problem: 'no' }]]),
      federated: () => 2,
      clockSkewMs: () => -1_500,
      clockJumps: () => 4,
    });
    return { metrics, listeners };
  }

  it('are Prometheus text that a strict reader takes', async () => {
    const samples = await samplesOf(described().metrics);
    const own = samples.filter(({ name }) => name.startsWith('hauberk_'));
    expect(own.length).toBeGreaterThan(15);
    expect(sampleOf(samples, 'hauberk_build_info', { version: '1.2.3', component: 'test' })).toBe(
      1,
    );
    expect(sampleOf(samples, 'process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('read what is now at each scrape', async () => {
    const { metrics } = described();
    await metrics.page();
    const samples = await samplesOf(metrics);
    expect(sampleOf(samples, 'hauberk_certificate_expiry_timestamp_seconds')).toBe(1_800_000_000.5);
    expect(sampleOf(samples, 'hauberk_clock_skew_seconds')).toBe(-1.5);
    expect(sampleOf(samples, 'hauberk_clock_jumps_total')).toBe(4);
    expect(sampleOf(samples, 'hauberk_connections_open', { direction: 'inbound' })).toBe(1);
    expect(sampleOf(samples, 'hauberk_sds_rejected_total', { resource: 'certificate' })).toBe(1);
    expect(sampleOf(samples, 'hauberk_sds_pushed_total', { resource: 'certificate' })).toBe(3);
  });

  it('count what the proxy reports', async () => {
    const { metrics, listeners } = described();
    await using pair = await startPair({ server: { events: listeners.proxy } });
    const socket = await dial(pair.outbound);
    await ask(socket, 'hello');
    socket.destroy();
    const closed = async () =>
      sampleOf(await samplesOf(metrics), 'hauberk_connection_bytes_total', {
        ...{ direction: 'inbound', flow: 'sent' },
      });
    let bytes: number | undefined;
    await until(() => {
      void closed().then((value) => {
        bytes = value;
      });
      return bytes !== undefined;
    });
    expect(bytes).toBe(5);
    const samples = await samplesOf(metrics);
    const labels = { direction: 'inbound', transport: 'hbone' };
    expect(sampleOf(samples, 'hauberk_connections_opened_total', labels)).toBe(1);
    expect(sampleOf(samples, 'hauberk_sessions_opened_total', { direction: 'inbound' })).toBe(1);
  });
});

describe('the metrics of a control plane', () => {
  const readings = {
    certificates: () => [{ role: 'root', notAfterMs: 2_000_000_000_000 }],
    storeVersion: () => 7,
    factsVersion: () => 6,
    streams: () => 3,
    behind: () => 1,
    revoked: () => 0,
    clockSkews: () => [10, -7_200_000],
    federation: () => [],
  };

  it('count events with labels of few values', async () => {
    const metrics = new MetricRegistry(build);
    const events = controlPlaneMetrics(metrics, readings);
    const type = 'type.googleapis.com/security.istio.io.v1.AuthorizationPolicy';
    events.factsRejected?.({ id: 'a', type, reason: 'x' });
    for (const made of ['evil', 'up', 'kinds']) {
      events.factsRejected?.({ id: 'a', type: `x/${made}`, reason: 'x' });
    }
    const samples = await samplesOf(metrics);
    const rejected = (kind: string) => sampleOf(samples, 'hauberk_facts_rejected_total', { kind });
    expect(rejected('other')).toBe(3);
    expect(samples.filter(({ name }) => name === 'hauberk_facts_rejected_total').length).toBe(2);
    expect(sampleOf(samples, 'hauberk_agent_clock_skew_max_seconds')).toBe(7_200);
    expect(sampleOf(samples, 'hauberk_discovery_agents_behind')).toBe(1);
    const labels = { role: 'root' };
    expect(sampleOf(samples, 'hauberk_ca_certificate_expiry_timestamp_seconds', labels)).toBe(2e9);
  });

  it('hear only of what the audit log has taken', () => {
    const heard: string[] = [];
    const full = new Error('the disk is full');
    const first = {
      tokenCreated: () => {
        throw full;
      },
      backupTaken: () => undefined,
    };
    const events = allControlEvents(first as never, {
      tokenCreated: () => heard.push('token'),
      backupTaken: () => heard.push('backup'),
    });
    expect(() => events.tokenCreated({} as never)).toThrow(full);
    events.backupTaken({} as never);
    expect(heard).toEqual(['backup']);
  });
});

describe('the monitoring server', () => {
  async function served(path: string, method = 'GET') {
    const { port, run } = await startMonitoringServer({
      ...{ listen: { host: '127.0.0.1', port: 0 }, flag: '--metrics' },
      pages: {
        '/ok': async () => text(200, 'fine'),
        '/broken': async () => {
          throw new Error('cannot tell');
        },
      },
    });
    const stop = new AbortController();
    const ended = run(stop.signal);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    const body = await response.text();
    stop.abort();
    await ended;
    return { status: response.status, body };
  }

  it.each([
    ['/ok', 'GET', 200, 'fine\n'],
    ['/ok?x=1', 'GET', 200, 'fine\n'],
    ['/ok', 'POST', 405, 'only GET is answered\n'],
    ['/broken', 'GET', 500, 'cannot tell\n'],
    ['/toString', 'GET', 404, 'nothing is here; there is /ok, /broken\n'],
  ])('answers %s %s', async (path, method, status, body) => {
    expect(await served(path, method)).toEqual({ status, body });
  });

  it('says which flag helps when the port is taken', async () => {
    const one = await startMonitoringServer({
      ...{ listen: { host: '127.0.0.1', port: 0 }, flag: '--metrics', pages: {} },
    });
    const stop = new AbortController();
    const ended = one.run(stop.signal);
    const again = { host: '127.0.0.1', port: one.port };
    await expect(
      startMonitoringServer({ listen: again, flag: '--metrics', pages: {} }),
    ).rejects.toThrow(/choose another port with --metrics, or "--metrics off"/);
    stop.abort();
    await ended;
  });
});
