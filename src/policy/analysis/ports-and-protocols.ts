import type { AuthorizationRule } from '../../resources/kinds/authorization-policy-schema.ts';
import { usesHttp } from '../authorization/sees-http.ts';
import type { AnalyzedMesh } from './analyzed-mesh.ts';
import { type DeclaredPort, declaredPorts, isOpaque, saysProtocol } from './declared-ports.ts';
import type { Finding } from './finding.ts';

/** IST0118: ports of Services that do not say what is spoken on them. */
export function portsWithoutProtocol(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.services.flatMap((service) => {
    const { selector = {}, ports = [] } = service.spec;
    const { name: own, namespace = '' } = service.metadata;
    const isApi = own === 'kubernetes' && namespace === 'default';
    if (isApi || namespace === mesh.settings.rootNamespace || namespace.startsWith('kube-'))
      return [];
    if (Object.keys(selector).length === 0) return [];
    return ports
      .filter((port) => !saysProtocol(port))
      .map(({ name = '', port, targetPort = port }): Finding => {
        const message = `port name "${name}" (port: ${port}, targetPort: ${targetPort}) does not say a protocol, so that each connection is looked at first; begin it with http-, grpc-, tcp- or such`;
        return { code: 'IST0118', resource: service, message };
      });
  });
}

/** HBK0004: rules on HTTP for ports that Services declare to be TCP. */
export function httpRulesOnTcp(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.authorizationPolicies.flatMap((policy) => {
    const { namespace = '' } = policy.metadata;
    if (namespace === mesh.settings.rootNamespace) return [];
    const declared = declaredPorts(mesh, namespace, policy.spec.selector?.matchLabels ?? {});
    return (policy.spec.rules ?? []).flatMap((rule, index): Finding[] => {
      const opaque = usesHttp(rule) ? opaquePorts(rule, declared) : [];
      if (opaque.length === 0) return [];
      const ports = [...new Set(opaque.map(({ target, port }) => target ?? port.port))].join(', ');
      const meaning =
        (policy.spec.action ?? 'ALLOW') === 'ALLOW'
          ? 'matches nothing there'
          : 'matches there without its HTTP fields';
      const message = `rule ${index} looks at HTTP, and port ${ports} is declared as TCP: the rule ${meaning}`;
      return [{ code: 'HBK0004', resource: policy, message }];
    });
  });
}

/** The declared ports that a rule is about; of a rule for all ports only where none of them is HTTP. */
function opaquePorts(
  { to = [] }: AuthorizationRule,
  declared: readonly DeclaredPort[],
): readonly DeclaredPort[] {
  const named = to.flatMap(({ operation }) => operation?.ports ?? []).map(Number);
  if (named.length > 0) {
    return declared.filter(
      ({ target, port }) => target !== undefined && named.includes(target) && isOpaque(port),
    );
  }
  return declared.every(({ port }) => isOpaque(port)) ? declared : [];
}

/** HBK0006: ports of portLevelMtls that are those of a Service, where the workload's own are meant. */
export function portLevelsOfServices(mesh: AnalyzedMesh): readonly Finding[] {
  return mesh.peerAuthentications.flatMap((policy) => {
    const { metadata, spec } = policy;
    const { namespace = '' } = metadata;
    const declared = declaredPorts(mesh, namespace, spec.selector?.matchLabels ?? {});
    return Object.keys(spec.portLevelMtls ?? {}).flatMap((text): Finding[] => {
      const port = Number(text);
      if (declared.some(({ target }) => target === port)) return [];
      const meant = declared.find((each) => each.port.port === port && each.target !== undefined);
      if (meant === undefined) return [];
      const message = `port ${port} is that of the Service ${meant.service.metadata.name}; portLevelMtls is about the workload's own port, ${meant.target}`;
      return [{ code: 'HBK0006', resource: policy, message }];
    });
  });
}
