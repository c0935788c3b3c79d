import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessGroup } from '../../src/app/demo/process-group.ts';
import type { Address } from '../../src/proxy/address.ts';
import { type ControlPlaneProcess, controlPlaneProcess } from './control-plane-process.ts';
import { SHOP } from './control-plane-rig.ts';
import { freePorts } from './free-ports.ts';
import { ask, dial, LOOPBACK } from './proxy-pair.ts';
import { type SidecarProcess, sidecarProcess } from './sidecar-process.ts';
import { type DebuggableProcess, debuggable } from './thread-debugger.ts';

/** A sidecar whose threads can be looked into and crashed. */
export interface SoakSidecar extends SidecarProcess {
  readonly name: string;
  readonly debuggable: DebuggableProcess;
}

/** A control plane and the sidecars of `products`, which calls, and of `reviews`, which is called. */
export interface SoakMesh {
  readonly plane: ControlPlaneProcess;
  readonly sidecars: readonly SoakSidecar[];
  /** Where the application reaches the service. */
  readonly entrance: Address;
}

const TWO_WORKERS = ['--concurrency', '2', '--metrics', 'off', '--readiness', 'off'];

/** Starts them as processes; the service's application is `app`. */
export async function soakMesh(
  group: ProcessGroup,
  app: Address,
  directory: string,
): Promise<SoakMesh> {
  const ports = await freePorts(7);
  const [xdsPort = 0, workload = 0, hboneA = 0, hboneB = 0, outbound = 0, ...inspect] = ports;
  const plane = await controlPlaneProcess({ group, xdsPort, dataDir: join(directory, 'plane') });
  await plane.apply(SHOP);
  await plane.apply(
    `apiVersion: v1\nkind: Service\nmetadata: { name: reviews, namespace: shop }\nspec: { selector: { app: reviews }, ports: [ { name: tcp, port: 80, targetPort: ${workload} } ] }`,
  );
  const start = async (
    name: string,
    given: { readonly hbonePort: number; readonly inspectPort: number; readonly args: string[] },
  ): Promise<SoakSidecar> => {
    const { hbonePort, inspectPort } = given;
    const sidecar = await sidecarProcess({
      ...{ group, plane, directory, name, hbonePort },
      args: [...TWO_WORKERS, ...given.args],
      nodeArgs: debuggable(inspectPort),
    });
    return { ...sidecar, name, debuggable: { inspectPort } };
  };
  const [inspectA = 0, inspectB = 0] = inspect;
  const reviews = await start('reviews', {
    ...{ hbonePort: hboneA, inspectPort: inspectA },
    args: ['--inbound', `tcp:${LOOPBACK}:${workload}=${LOOPBACK}:${app.port}`],
  });
  const products = await start('products', {
    ...{ hbonePort: hboneB, inspectPort: inspectB },
    args: ['--outbound', `${LOOPBACK}:${outbound}=reviews.shop:80`],
  });
  const entrance = { host: LOOPBACK, port: outbound };
  await answering(entrance);
  return { plane, sidecars: [reviews, products], entrance };
}

async function answering(entrance: Address): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      const socket = await dial(entrance);
      const answer = await ask(socket, 'hello');
      socket.destroy();
      if (answer === 'hello') return;
    } catch {
      await sleep(100);
    }
  }
  throw new Error('the mesh did not answer');
}
