import type { Service } from '../../resources/kinds/service.ts';
import { selects } from '../label-selector.ts';
import type { AnalyzedMesh } from './analyzed-mesh.ts';

export type ServicePort = NonNullable<Service['spec']['ports']>[number];

const PREFIXES =
  /^(?:http2?|https|grpc|grpc-web|h2c|mongo|mysql|redis|tcp|tls|udp|auto|hbone|double-hbone)(?:-|$)/i;
const OPAQUE = /^(?:tcp|tls|https|mongo|mysql|redis)(?:-|$)/i;

/** Whether a port says by name or `appProtocol` what is spoken on it. */
export function saysProtocol({ name = '', appProtocol, protocol }: ServicePort): boolean {
  return appProtocol !== undefined || protocol === 'UDP' || PREFIXES.test(name);
}

/** Whether it says that it is not read as HTTP. */
export function isOpaque({ name = '', appProtocol }: ServicePort): boolean {
  return OPAQUE.test(appProtocol ?? name);
}

/** A port of a workload that a Service declares. */
export interface DeclaredPort {
  readonly service: Service;
  readonly port: ServicePort;
  /** The workload's own; undefined where it has a name that nobody knows. */
  readonly target: number | undefined;
}

/** The ports that Services declare for workloads of `namespace` that have `labels`, perhaps among others. */
export function declaredPorts(
  mesh: AnalyzedMesh,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): readonly DeclaredPort[] {
  const workloads = mesh.workloads.filter(
    (each) => each.namespace === namespace && selects(labels, each.labels),
  );
  return mesh.services
    .filter(({ metadata, spec }) => {
      const { selector = {} } = spec;
      if (metadata.namespace !== namespace || Object.keys(selector).length === 0) return false;
      return selects(selector, labels) || workloads.some((each) => selects(selector, each.labels));
    })
    .flatMap((service) =>
      (service.spec.ports ?? []).map((port) => {
        const { targetPort = port.port } = port;
        const target =
          typeof targetPort === 'number'
            ? targetPort
            : workloads.find((each) => each.namedPorts[targetPort])?.namedPorts[targetPort];
        return { service, port, target };
      }),
    );
}
