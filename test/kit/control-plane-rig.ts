import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnsweredRequest } from '../../src/apiserver/api-listener.ts';
import { runControlPlane } from '../../src/app/control-plane/control-plane.ts';
import type { ControlPlaneReady } from '../../src/app/control-plane/control-plane-config.ts';
import type { MonitoringConfig } from '../../src/app/control-plane/control-plane-monitoring.ts';
import type { FederationConfig } from '../../src/app/control-plane/federation.ts';
import type { AuthorityConfig } from '../../src/app/control-plane/open-authority.ts';
import type { TokenConfig } from '../../src/app/control-plane/token-authority.ts';
import { type Operator, operatorOf } from './operator.ts';

/** A control plane in this process, on a directory and a port of its own. */
export interface ControlPlaneRig extends ControlPlaneReady {
  readonly dataDir: string;
  readonly operator: Operator;
  apply(manifest: string): Promise<unknown>;
  createToken(namespace: string, serviceAccount: string, lifetime?: string): Promise<string>;
  /** What was asked of the resource API last, as JSON lines, for tests that fail. */
  requests(): string;
  /** The audit log, a parsed object a line. */
  audit(): readonly Readonly<Record<string, unknown>>[];
  /** Stops it and leaves its directory. */
  stop(): Promise<void>;
  /** Stops it and removes its directory. */
  close(): Promise<void>;
}

const MOST_REQUESTS = 100;

export const SHOP = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: reviews, namespace: shop, labels: { app: reviews } }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: products, namespace: shop, labels: { app: products } }
`;

export async function controlPlaneRig(
  options: {
    readonly dataDir?: string;
    readonly port?: number;
    readonly apiPort?: number;
    readonly tokens?: TokenConfig;
    readonly reenrolGraceMs?: number;
  } & Partial<AuthorityConfig> &
    FederationConfig &
    MonitoringConfig = {},
): Promise<ControlPlaneRig> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'hauberk-test-'));
  const controller = new AbortController();
  const requests: AnsweredRequest[] = [];
  const ready = Promise.withResolvers<ControlPlaneReady>();
  const config = {
    xds: { host: '127.0.0.1', port: options.port ?? 0 },
    api: {
      ...{ host: '127.0.0.1', port: options.apiPort ?? 0 },
      answered: (exchange: AnsweredRequest) => {
        requests.push(exchange);
        if (requests.length > MOST_REQUESTS) requests.shift();
      },
    },
    trustDomain: 'cluster.local',
    rootNamespace: 'istio-system',
    svidLifetimeMs: 86_400_000,
    ...options,
    dataDir,
  };
  const ended = runControlPlane(config, controller.signal, ready.resolve);
  ended.catch(ready.reject);
  const state = await ready.promise;
  const operator = operatorOf(dataDir);
  const stop = async (): Promise<void> => {
    controller.abort();
    await ended;
  };
  return {
    ...state,
    dataDir,
    requests: () => requests.map((request) => JSON.stringify(request)).join('\n'),
    operator,
    apply: (manifest) => operator.apply(manifest),
    createToken: (...order) => operator.enrolmentToken(...order),
    audit: () =>
      readFileSync(join(dataDir, 'audit.log'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    stop,
    async close() {
      await stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
