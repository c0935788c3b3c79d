import { freePorts } from './free-ports.ts';

export const serviceNames = ['frontend', 'products', 'reviews'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** The ports of one service and its sidecar, all on 127.0.0.1. */
export interface ServicePorts {
  /** Where the program itself listens. */
  readonly app: number;
  /** Where its sidecar takes what comes from outside the mesh. */
  readonly inbound: number;
  /** Where its sidecar takes what comes from other sidecars. */
  readonly hbone: number;
  /** Where the program connects to reach a service, by that service's name. */
  readonly outbound: Readonly<Partial<Record<ServiceName, number>>>;
}

export interface ShopPorts {
  readonly xds: number;
  /** The relay in front of the HBONE port of reviews. */
  readonly tap: number;
  readonly services: Readonly<Record<ServiceName, ServicePorts>>;
}

/** Whom each service may try to call; frontend -> reviews is there to be refused later. */
const CALLS: Readonly<Record<ServiceName, readonly ServiceName[]>> = {
  frontend: ['products', 'reviews'],
  products: ['reviews'],
  reviews: ['products'],
};

const MOST_PORTS = 32;

export async function shopPorts(): Promise<ShopPorts> {
  const pool = [...(await freePorts(MOST_PORTS))];
  const take = (): number => pool.pop() ?? 0;
  const portsOf = (name: ServiceName): ServicePorts => ({
    app: take(),
    inbound: take(),
    hbone: take(),
    outbound: Object.fromEntries(CALLS[name].map((callee) => [callee, take()])),
  });
  return {
    xds: take(),
    tap: take(),
    services: {
      frontend: portsOf('frontend'),
      products: portsOf('products'),
      reviews: portsOf('reviews'),
    },
  };
}

/** The environment of a service's program: its port, and where its callees are. */
export function serviceEnv(name: ServiceName, { services }: ShopPorts): Record<string, string> {
  const { app, outbound } = services[name];
  const urls = Object.entries(outbound).map(([callee, port]) => [
    `${callee.toUpperCase()}_URL`,
    `http://127.0.0.1:${port}`,
  ]);
  return { PORT: String(app), ...Object.fromEntries(urls) };
}

export interface SidecarFiles {
  readonly stateDir: string;
  readonly tokenFile: string | undefined;
}

/** The command line of a service's sidecar. */
export function sidecarArgs(name: ServiceName, ports: ShopPorts, files: SidecarFiles): string[] {
  const { app, inbound, hbone, outbound } = ports.services[name];
  const bindings = Object.entries(outbound).flatMap(([callee, port]) => [
    '--outbound',
    `127.0.0.1:${port}=${callee}.shop.svc.cluster.local:8080`,
  ]);
  return [
    'sidecar',
    '--control-plane',
    `127.0.0.1:${ports.xds}`,
    '--name',
    name,
    '--state-dir',
    files.stateDir,
    ...(files.tokenFile === undefined ? [] : ['--token-file', files.tokenFile]),
    '--inbound',
    `http:127.0.0.1:${inbound}=127.0.0.1:${app}`,
    ...bindings,
    '--hbone',
    `127.0.0.1:${hbone}`,
    ...(name === 'reviews' ? ['--advertise-hbone-port', String(ports.tap)] : []),
    '--drain-timeout',
    '5s',
    ...['--metrics', 'off', '--readiness', 'off'],
    '--access-log',
    'all',
  ];
}
