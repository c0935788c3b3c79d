import type { Resource } from '../../resources/resource.ts';

/** What an installation of Istio has besides what people write: the gateway that its examples name. */
export function istioIngress(namespace: string): readonly Resource[] {
  const labels = { app: 'istio-ingressgateway', istio: 'ingressgateway' };
  const metadata = { name: 'istio-ingressgateway', namespace };
  const ports = [
    { name: 'http2', port: 80 },
    { name: 'https', port: 443 },
    { name: 'tcp', port: 31_400 },
    { name: 'tls', port: 15_443 },
  ];
  return [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, labels },
      spec: { containers: [{ name: 'istio-proxy' }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...metadata },
      spec: { selector: labels, ports },
    },
  ];
}
