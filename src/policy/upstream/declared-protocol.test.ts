import { describe, expect, it } from 'vitest';
import {
  reviews,
  service,
  serviceEntry,
  settings,
  sidecar,
  workloadEntry,
} from '../../../test/kit/policies.ts';
import type { Service } from '../../resources/kinds/service.ts';
import { type MeshFacts, noFacts } from '../mesh-facts.ts';
import { type DeclaredProtocol, declaredProtocol } from './declared-protocol.ts';

type ServicePort = NonNullable<Service['spec']['ports']>[number];

const at = (second: number) => ({ creationTimestamp: `2026-01-01T00:00:0${second}Z` });
const PORT = 8080;

/** What is declared about port 8080 of `shop/reviews`. */
function declared(facts: Partial<MeshFacts>, port = PORT): DeclaredProtocol {
  return declaredProtocol({ ...noFacts, ...facts }, reviews, port, settings);
}

/** A Service whose one port leads to 8080, but for what is given. */
const byPort = (port: Partial<ServicePort>, metadata = {}): Service =>
  service({ ports: [{ port: 80, targetPort: PORT, ...port }] }, metadata);

describe('a port of a Service is declared by', () => {
  it.each<[DeclaredProtocol, readonly string[]]>([
    [
      'http',
      [
        'http',
        'http-api',
        'HTTP-api',
        'http2',
        'http2-x',
        'grpc',
        'grpc-x',
        'grpc-web',
        'grpc-web-x',
      ],
    ],
    ['opaque', ['tcp', 'tcp-db', 'tls', 'tls-x', 'https', 'https-x', 'mongo', 'mysql', 'redis-1']],
    // only what comes before the first dash counts, and whole
    ['unknown', ['', 'api', 'api-http', 'httpx', 'web', 'mytcp']],
  ])('its name: %s for each of %j', (expected, names) => {
    for (const name of names) {
      expect.soft(declared({ services: [byPort({ name })] }), name).toBe(expected);
    }
  });

  it.each<[DeclaredProtocol, string]>([
    ['http', 'http'],
    ['http', 'kubernetes.io/h2c'],
    ['http', 'kubernetes.io/ws'],
    ['opaque', 'kubernetes.io/wss'],
    ['opaque', 'https'],
    ['opaque', 'tcp'],
    ['unknown', 'acme.example/own'],
  ])('appProtocol before its name: %s for %s', (expected, appProtocol) => {
    const name = expected === 'http' ? 'tcp-x' : 'http-x';
    expect(declared({ services: [byPort({ name, appProtocol })] })).toBe(expected);
  });

  it('nobody where no Service has it', () => {
    expect(declared({})).toBe('unknown');
    expect(declared({ services: [byPort({ name: 'http' })] }, 9090)).toBe('unknown');
  });
});

describe('which port of the workload is meant', () => {
  const named = { name: 'http-api', targetPort: 'web' } as const;

  it.each<[string, Partial<MeshFacts>, DeclaredProtocol]>([
    [
      "the target port, not the Service's",
      { services: [byPort({ name: 'http', port: 9999 })] },
      'http',
    ],
    [
      'not the port of the Service where that has a target',
      { services: [service({ ports: [{ name: 'http', port: PORT, targetPort: 9999 }] })] },
      'unknown',
    ],
    [
      'the port of the Service where it has no target',
      { services: [service({ ports: [{ name: 'http', port: PORT }] })] },
      'http',
    ],
    [
      'a target by its name in the WorkloadEntry',
      {
        services: [service({ ports: [{ ...named, port: 80 }] })],
        workloadEntries: [workloadEntry({ ports: { web: PORT } })],
      },
      'http',
    ],
    [
      'the name of the port in the WorkloadEntry',
      {
        services: [service({ ports: [{ name: 'http-api', port: 80 }] })],
        workloadEntries: [workloadEntry({ ports: { 'http-api': PORT } })],
      },
      'http',
    ],
    [
      'not the name in a WorkloadEntry of another namespace',
      {
        services: [service({ ports: [{ ...named, port: 80 }] })],
        workloadEntries: [workloadEntry({ ports: { web: PORT } }, { namespace: 'bank' })],
      },
      'unknown',
    ],
  ])('%s', (_, facts, expected) => {
    expect(declared(facts)).toBe(expected);
  });
});

describe('who declares a port', () => {
  const http = byPort({ name: 'http' }, { name: 'z', ...at(1) });
  const tcp = byPort({ name: 'tcp' }, { name: 'a', ...at(2) });

  it('is the oldest Service where two lead to it', () => {
    expect(declared({ services: [http, tcp] })).toBe('http');
    expect(declared({ services: [tcp, http] })).toBe('http');
    const older = byPort({ name: 'tcp' }, { name: 'a', ...at(0) });
    expect(declared({ services: [http, older] })).toBe('opaque');
  });

  it.each<[string, Service]>([
    ['of another namespace', byPort({ name: 'http' }, { namespace: 'bank' })],
    [
      'that selects others',
      service({ selector: { app: 'x' }, ports: [{ name: 'http', port: PORT }] }),
    ],
    ['without a selector', service({ selector: {}, ports: [{ name: 'http', port: PORT }] })],
  ])('is no Service %s', (_, other) => {
    expect(declared({ services: [other] })).toBe('unknown');
  });

  const selector = { workloadSelector: { labels: { app: 'reviews' } } };
  const entry = (protocol: string, metadata = {}) =>
    serviceEntry(
      { ...selector, ports: [{ number: 80, name: 'x', protocol, targetPort: PORT }] },
      metadata,
    );

  it.each<[DeclaredProtocol, string]>([
    ['http', 'HTTP'],
    ['http', 'GRPC'],
    ['opaque', 'TCP'],
    ['opaque', 'MONGO'],
    ['opaque', 'TLS'],
  ])('is a ServiceEntry that selects it: %s by %s', (expected, protocol) => {
    expect(declared({ serviceEntries: [entry(protocol)] })).toBe(expected);
  });

  it('is a ServiceEntry if it is older than the Service', () => {
    expect(declared({ services: [http], serviceEntries: [entry('TCP', at(0))] })).toBe('opaque');
    expect(declared({ services: [http], serviceEntries: [entry('TCP', at(3))] })).toBe('http');
  });

  it('is no ServiceEntry of another namespace, or without a selector', () => {
    const ports = [{ number: PORT, name: 'x', protocol: 'HTTP' }];
    expect(declared({ serviceEntries: [entry('HTTP', { namespace: 'bank' })] })).toBe('unknown');
    expect(declared({ serviceEntries: [serviceEntry({ ports })] })).toBe('unknown');
  });
});

describe('a Sidecar with ingress', () => {
  const services = [byPort({ name: 'http' })];
  const ingress = (number: number, protocol: string) => [
    { port: { number, protocol, name: 'x' }, defaultEndpoint: '127.0.0.1:9000' },
  ];

  it('declares its ports, and those of Services are undeclared then', () => {
    expect(declared({ services, sidecars: [sidecar({ ingress: ingress(PORT, 'TCP') })] })).toBe(
      'opaque',
    );
    expect(declared({ services, sidecars: [sidecar({ ingress: ingress(9999, 'TCP') })] })).toBe(
      'unknown',
    );
  });

  it('declares nothing for workloads that it does not hold for', () => {
    const workloadSelector = { labels: { app: 'other' } };
    const other = sidecar({ workloadSelector, ingress: ingress(PORT, 'TCP') });
    expect(declared({ services, sidecars: [other] })).toBe('http');
  });

  it('leaves the word to Services where it has no ingress', () => {
    expect(declared({ services, sidecars: [sidecar({ egress: [{ hosts: ['./*'] }] })] })).toBe(
      'http',
    );
  });
});
