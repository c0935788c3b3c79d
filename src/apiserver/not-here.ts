import { requireObject } from './reads/read-objects.ts';
import { StatusError } from './status-error.ts';
import type { Subresource } from './subresource.ts';

const INSTEAD: Readonly<Record<string, string>> = {
  exec: 'log in to its machine and run the command there',
  attach: 'its output is in `kubectl logs`',
  portforward: 'dial it through the mesh, or its port on its machine',
  eviction: 'stop it on its machine',
  ephemeralcontainers: 'log in to its machine',
};

/** What a cluster does with Pods and a mesh cannot: workloads are processes on machines of their own. */
export const notHere: Readonly<Record<string, Subresource>> = Object.fromEntries(
  Object.entries(INSTEAD).map(([name, instead]): [string, Subresource] => [
    `pods./${name}`,
    async (call, context) => {
      const { metadata } = await requireObject(call, context);
      throw new StatusError(
        'NotImplemented',
        `${name} is not served: "${metadata.name}" is a process on a machine of its own, not a container; ${instead}`,
      );
    },
  ]),
);
