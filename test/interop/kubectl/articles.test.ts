import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFailed } from 'vitest';
import { type ControlPlaneRig, controlPlaneRig } from '../../kit/control-plane-rig.ts';
import { hauberk } from '../../kit/hauberk.ts';
import { type Kubectl, kubectlWith } from '../../kit/kubectl.ts';
import { peer } from '../../kit/peer.ts';

/** What people write who secure a mesh: each kind and each shape of it that articles show, in words of ours. */
const BLOCKS: Readonly<Record<string, string>> = {
  'client TLS with versions and ciphers': `
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: versions }
spec:
  host: orders
  trafficPolicy:
    tls:
      mode: ISTIO_MUTUAL
      minProtocolVersion: TLSV1_2
      maxProtocolVersion: TLSV1_3
      cipherSuites: [ECDHE-ECDSA-AES256-GCM-SHA384, ECDHE-RSA-AES256-GCM-SHA384]
`,
  'mTLS on both sides in one file': `
apiVersion: security.istio.io/v1beta1
kind: PeerAuthentication
metadata: { name: both, namespace: production }
spec:
  mtls: { mode: STRICT }
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: both }
spec:
  host: "*.local"
  trafficPolicy: { tls: { mode: ISTIO_MUTUAL } }
`,
  'mTLS by port and selector': `
apiVersion: security.istio.io/v1beta1
kind: PeerAuthentication
metadata: { name: ports, namespace: production }
spec:
  selector: { matchLabels: { app: orders } }
  mtls: { mode: STRICT }
  portLevelMtls: { 8080: { mode: PERMISSIVE } }
`,
  'a gateway with a certificate': `
apiVersion: networking.istio.io/v1alpha3
kind: Gateway
metadata: { name: entrance }
spec:
  selector: { istio: ingressgateway }
  servers:
  - port: { number: 443, name: https, protocol: HTTPS }
    tls: { mode: SIMPLE, credentialName: entrance-certificate, minProtocolVersion: TLSV1_2 }
    hosts: ["shop.example.com"]
`,
  'certificates with renewal': `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: own, namespace: istio-system }
spec:
  secretName: own-tls
  duration: 2160h
  renewBefore: 360h
  subject: { organizations: [example.com] }
  isCA: false
  privateKey: { algorithm: RSA, encoding: PKCS1, size: 2048, rotationPolicy: Always }
  usages: [server auth, client auth]
  dnsNames: [shop.example.com]
  issuerRef: { name: own-issuer, kind: Issuer }
`,
  'an external service with TLS by port': `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: outside }
spec:
  hosts: [api.example.com]
  ports: [{ number: 443, name: https, protocol: HTTPS }]
  location: MESH_EXTERNAL
  resolution: DNS
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: outside }
spec:
  host: api.example.com
  trafficPolicy:
    portLevelSettings:
    - port: { number: 443 }
      tls: { mode: SIMPLE, sni: api.example.com }
`,
  'monitoring of it all': `
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: { name: mesh, labels: { app: mesh } }
spec:
  selector: { matchLabels: { app: istiod } }
  endpoints: [{ port: http-monitoring, interval: 30s, path: /metrics }]
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: { name: expiry }
spec:
  groups:
  - name: certificates
    rules:
    - alert: SoonExpired
      expr: hauberk_certificate_expiry_seconds < 604800
      for: 5m
      labels: { severity: warning }
      annotations: { summary: A certificate ends soon. }
---
apiVersion: telemetry.istio.io/v1alpha1
kind: Telemetry
metadata: { name: counted }
spec:
  metrics:
  - providers: [{ name: prometheus }]
    overrides: [{ match: { metric: REQUEST_COUNT, mode: CLIENT_AND_SERVER }, tagOverrides: { version: { operation: UPSERT, value: "'1'" } } }]
`,
};

/** Without a name, which kubectl itself refuses to apply. */
const OPERATOR = `
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
spec:
  values: { global: { mtls: { enabled: true, auto: true } } }
  meshConfig: { enableAutoMtls: true, trustDomain: cluster.local }
`;

peer('kubectl', (path) => {
  let plane: ControlPlaneRig;
  let kubectl: Kubectl;

  beforeAll(async () => {
    plane = await controlPlaneRig();
    kubectl = kubectlWith(path, plane.kubeconfig);
    expect((await kubectl.run('create ns production')).code).toBe(0);
  });
  beforeEach(() => onTestFailed(() => console.error(plane.requests())));
  afterAll(async () => {
    kubectl.close();
    await plane.close();
  });

  it.each(Object.keys(BLOCKS))('takes %s, and the same again as unchanged', async (name) => {
    const stdin = BLOCKS[name] ?? '';
    const first = await kubectl.run('apply -f -', { stdin });
    expect([first.code, first.stderr.includes('Error')], first.stderr).toEqual([0, false]);
    const again = await kubectl.run('apply -f -', { stdin });
    expect(again.stdout).not.toMatch(/created|configured/);
  });

  it('takes settings of the mesh without a name, in the place where they are read', async () => {
    const file = join(plane.dataDir, 'operator.yaml');
    writeFileSync(file, OPERATOR);
    const applied = await hauberk(['apply', '-f', file, '--data-dir', plane.dataDir]);
    expect([applied.code, applied.stderr]).toEqual([0, '']);
    const shown = await kubectl.run('get istiooperator -A -o name');
    expect(shown.stdout).toContain('installed-state');
    const created = await kubectl.run('create -f -', { stdin: OPERATOR });
    expect(created.stderr).toContain('the mesh reads the one in "istio-system"');
  });
});
