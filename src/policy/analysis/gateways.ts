import type { Gateway, GatewayServer } from '../../resources/kinds/gateway.ts';
import type { Secret } from '../../resources/kinds/secret.ts';
import { selects } from '../label-selector.ts';
import { type AnalyzedMesh, labelText, selectedWorkloads } from './analyzed-mesh.ts';
import type { Finding } from './finding.ts';

const PEM = /-----BEGIN [A-Z0-9 ]+-----/;
const placeOf = ({ metadata }: Gateway) => `${metadata.namespace}/${metadata.name}`;

/** IST0101: selectors of Gateways that pick no workload. */
export function gatewaysOfNobody(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.gateways.flatMap((gateway): Finding[] => {
    const { selector = {} } = gateway.spec;
    if (Object.keys(selector).length === 0) return [];
    if (selectedWorkloads(mesh, selector, undefined).length > 0) return [];
    const message = `referenced selector not found: "${labelText(selector)}"`;
    return [{ code: 'IST0101', resource: gateway, message }];
  });
}

/**
 * IST0101, IST0161: Secrets with the certificates of Gateways that are missing or cannot be used. Who reads
 * them is the proxy, so they must be where that is; of a Gateway of no proxy something else is said.
 */
export function gatewayCredentials(mesh: AnalyzedMesh): readonly Finding[] {
  const { secrets } = mesh;
  if (secrets === undefined) return [];
  return mesh.gateways.flatMap((gateway) => {
    const [proxy] = selectedWorkloads(mesh, gateway.spec.selector, undefined);
    if (proxy === undefined) return [];
    const { namespace } = proxy;
    const names = (gateway.spec.servers ?? []).flatMap(({ tls }) => [
      ...((tls?.credentialName ?? '') === '' ? [] : [tls?.credentialName ?? '']),
      ...(tls?.credentialNames ?? []),
    ]);
    return [...new Set(names)].flatMap((name): Finding[] => {
      if (name.includes('://')) return [];
      const secret = secrets.find(
        ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
      );
      if (secret === undefined) {
        const message = `referenced credentialName not found: "${name}" in namespace ${namespace}`;
        return [{ code: 'IST0101', resource: gateway, message }];
      }
      const problem = credentialProblem(secret, mesh.certificateProblem);
      if (problem === undefined) return [];
      const message = `the Secret ${namespace}/${name} cannot be used: ${problem}`;
      return [{ code: 'IST0161', resource: gateway, message }];
    });
  });
}

function credentialProblem(
  { data, type }: Secret,
  certificateProblem: AnalyzedMesh['certificateProblem'],
): string | undefined {
  // of a mesh that runs, Secrets are listed without their data and type
  if (data === undefined && type === undefined) return undefined;
  return dataProblem(data ?? {}, certificateProblem);
}

function dataProblem(
  data: Readonly<Record<string, string>>,
  certificateProblem: AnalyzedMesh['certificateProblem'],
): string | undefined {
  const [certificate, key] = ['tls.crt' in data || !('cert' in data) ? 'tls' : 'cert'].flatMap(
    (form) => (form === 'tls' ? ['tls.crt', 'tls.key'] : ['cert', 'key']),
  );
  for (const name of [certificate ?? '', key ?? '']) {
    const value = data[name];
    if (value === undefined) return `it has no ${name}`;
    if (value === '') return `its ${name} is empty`;
    if (!PEM.test(textOf(value))) return `its ${name} is not PEM`;
  }
  return certificateProblem?.(textOf(data[certificate ?? ''] ?? ''));
}

function textOf(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(base64));
  } catch {
    return '';
  }
}

/** IST0138: one certificate on two Gateways of the same proxies. */
export function sharedCertificates(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.gateways.flatMap((gateway): Finding[] => {
    const own = certificatesOf(gateway);
    const others = mesh.gateways.filter(
      (other) =>
        other !== gateway &&
        selects(gateway.spec.selector, other.spec.selector ?? {}) &&
        certificatesOf(other).some((each) => own.includes(each)),
    );
    if (others.length === 0) return [];
    const message = `the certificate is also that of ${others.map(placeOf).join(', ')}: clients that keep HTTP/2 connections get 404 from the wrong one`;
    return [{ code: 'IST0138', resource: gateway, message }];
  });
}

function certificatesOf({ spec }: Gateway): readonly string[] {
  return (spec.servers ?? []).flatMap(({ tls }) => {
    if ((tls?.credentialName ?? '') !== '') return [`secret ${tls?.credentialName}`];
    return (tls?.serverCertificate ?? '') === '' || (tls?.privateKey ?? '') === ''
      ? []
      : [`file ${tls?.serverCertificate} ${tls?.privateKey}`];
  });
}

/** IST0145: two Gateways of the same proxies that want the same host on the same port. */
export function conflictingGateways(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.gateways.flatMap((gateway) =>
    (gateway.spec.servers ?? []).flatMap((server): Finding[] => {
      const others = mesh.gateways.filter(
        (other) =>
          other !== gateway &&
          overlap(gateway.spec.selector ?? {}, other.spec.selector ?? {}) &&
          (other.spec.servers ?? []).some((each) => isSamePlace(each, server)),
      );
      if (others.length === 0) return [];
      const message = `conflict with gateways ${others.map(placeOf).join(', ')} (workload selector ${labelText(gateway.spec.selector)}, port ${server.port.number}, hosts ${server.hosts.join(', ')})`;
      return [{ code: 'IST0145', resource: gateway, message }];
    }),
  );
}

/** Whether one selector picks all that the other does. */
function overlap(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): boolean {
  return selects(a, b) || selects(b, a);
}

function isSamePlace(a: GatewayServer, b: GatewayServer): boolean {
  return (
    a.port.number === b.port.number &&
    (a.bind ?? '') === (b.bind ?? '') &&
    a.hosts.some((host) => b.hosts.includes(host))
  );
}

/** IST0162: ports of Gateways that the Service before their proxies does not have. */
export function gatewayPortsWithoutService(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.gateways.flatMap((gateway) => {
    const { selector = {}, servers = [] } = gateway.spec;
    const pods = selectedWorkloads(mesh, selector, undefined);
    const services = mesh.services.filter(({ metadata, spec }) =>
      pods.some(
        (pod) =>
          pod.namespace === metadata.namespace &&
          Object.keys(spec.selector ?? {}).length > 0 &&
          selects(spec.selector, pod.labels),
      ),
    );
    if (services.length === 0) return [];
    const ports = services.flatMap(({ spec }) => spec.ports ?? []);
    return servers
      .filter(
        ({ port }) => !ports.some((each) => [each.port, each.targetPort].includes(port.number)),
      )
      .map(({ port }): Finding => {
        const message = `port ${port.number} is not one of the Service before the gateway's workloads (${labelText(selector)}), so that it is not reached through it`;
        return { code: 'IST0162', resource: gateway, message };
      });
  });
}
