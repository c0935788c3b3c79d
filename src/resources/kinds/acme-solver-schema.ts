import { Type } from 'typebox';
import { anyObject, atomicTexts, list, text, textMap, word } from '../fields.ts';
import { lazy } from '../lazy.ts';
import { closed } from '../schema.ts';
import { atomicList } from '../schema-annotations.ts';
import { secretKeyReference } from './issuer-reference.ts';

const required = (description: string) => Type.String({ description });
const secretKey = () => Type.Optional(secretKeyReference());

const ownNames = lazy(() => ({
  acmeDNS: Type.Optional(
    closed(
      { host: required('Its host.'), accountSecretRef: secretKeyReference() },
      'A server of ACME-DNS.',
    ),
  ),
  rfc2136: Type.Optional(
    closed(
      {
        nameserver: required('Name server, with its port if not 53.'),
        protocol: word(['TCP', 'UDP'], 'How it is spoken to.'),
        tsigKeyName: text('Name of the key.'),
        tsigAlgorithm: text('Algorithm of the key.'),
        tsigSecretSecretRef: secretKey(),
      },
      'Dynamic updates of DNS (RFC 2136).',
    ),
  ),
  webhook: Type.Optional(
    closed(
      {
        groupName: required('API group of the webhook.'),
        solverName: required('Name of its solver.'),
        config: Type.Optional(
          Type.Unsafe<unknown>({
            'x-kubernetes-preserve-unknown-fields': true,
            description: 'What it is told; its own form.',
          }),
        ),
      },
      'A solver of your own.',
    ),
  ),
}));

const cloudNames = lazy(() => ({
  akamai: Type.Optional(
    closed(
      {
        serviceConsumerDomain: required('Domain of the API.'),
        clientTokenSecretRef: secretKeyReference(),
        clientSecretSecretRef: secretKeyReference(),
        accessTokenSecretRef: secretKeyReference(),
      },
      'Akamai.',
    ),
  ),
  azureDNS: Type.Optional(
    closed(
      {
        subscriptionID: required('Subscription.'),
        resourceGroupName: required('Resource group of the zone.'),
        hostedZoneName: text('Zone.'),
        zoneType: word(['AzurePublicZone', 'AzurePrivateZone'], 'Type of the zone.'),
        environment: word(
          ['AzurePublicCloud', 'AzureChinaCloud', 'AzureGermanCloud', 'AzureUSGovernmentCloud'],
          'Which Azure.',
        ),
        tenantID: text('Tenant.'),
        clientID: text('Client.'),
        clientSecretSecretRef: secretKey(),
        managedIdentity: Type.Optional(
          closed(
            {
              clientID: text('Client id.'),
              resourceID: text('Resource id.'),
              tenantID: text('Tenant id.'),
            },
            'An identity that Azure keeps.',
          ),
        ),
      },
      'Azure.',
    ),
  ),
  cloudDNS: Type.Optional(
    closed(
      {
        project: required('Project.'),
        hostedZoneName: text('Zone.'),
        serviceAccountSecretRef: secretKey(),
      },
      'Google Cloud.',
    ),
  ),
  cloudflare: Type.Optional(
    closed(
      {
        email: text('Mail address of the account, with an API key.'),
        apiKeySecretRef: secretKey(),
        apiTokenSecretRef: secretKey(),
      },
      'Cloudflare.',
    ),
  ),
  digitalocean: Type.Optional(closed({ tokenSecretRef: secretKeyReference() }, 'DigitalOcean.')),
  route53: Type.Optional(route53()),
}));

const route53 = lazy(() =>
  closed(
    {
      region: text('Region.'),
      hostedZoneID: text('Zone.'),
      role: text('Role that is taken.'),
      accessKeyID: text('Access key.'),
      accessKeyIDSecretRef: secretKey(),
      secretAccessKeySecretRef: secretKey(),
      auth: Type.Optional(
        closed(
          {
            kubernetes: closed(
              {
                serviceAccountRef: closed(
                  { name: required('Its name.'), audiences: atomicTexts('Audiences.') },
                  'ServiceAccount by whose token it is done.',
                ),
              },
              'By a token of a ServiceAccount.',
            ),
          },
          'How AWS knows who asks.',
        ),
      ),
    },
    'AWS Route 53.',
  ),
);

const template = (what: string) => anyObject(`Template of ${what}, as Kubernetes has it.`);

const http01 = lazy(() =>
  closed(
    {
      ingress: Type.Optional(
        closed(
          {
            class: text('Class of the Ingress, by annotation.'),
            ingressClassName: text('Class of the Ingress, by field.'),
            name: text('An Ingress that is there and gets the path.'),
            serviceType: text('Type of the Service: NodePort or ClusterIP.'),
            podTemplate: template('the Pod that answers'),
            ingressTemplate: template('the Ingress'),
          },
          'By an Ingress.',
        ),
      ),
      gatewayHTTPRoute: Type.Optional(
        closed(
          {
            labels: textMap('Labels of the route.'),
            parentRefs: list(
              closed(
                {
                  name: required('Its name.'),
                  namespace: text('Its namespace.'),
                  kind: text('Its kind.', { default: 'Gateway' }),
                  group: text('Its group.', { default: 'gateway.networking.k8s.io' }),
                  sectionName: text('Listener of it.'),
                  port: Type.Optional(
                    Type.Integer({ minimum: 1, maximum: 65535, description: 'Port of it.' }),
                  ),
                },
                'A Gateway.',
              ),
              'Gateways that the route is attached to.',
              { ...atomicList() },
            ),
            serviceType: text('Type of the Service: NodePort or ClusterIP.'),
            podTemplate: template('the Pod that answers'),
          },
          'By a route of the Gateway API.',
        ),
      ),
    },
    'By an answer over HTTP.',
  ),
);

/** cert-manager's ACMEChallengeSolver: how it is proved to an authority that a name is yours. */
export const acmeSolverSchema = lazy(() =>
  closed(
    {
      selector: Type.Optional(
        closed(
          {
            matchLabels: textMap('Labels of the Certificate.'),
            dnsNames: atomicTexts('Exactly these names.'),
            dnsZones: atomicTexts('Names in these zones.'),
          },
          'What this is for; the most exact one is taken.',
        ),
      ),
      http01: Type.Optional(http01()),
      dns01: Type.Optional(
        closed(
          {
            cnameStrategy: word(['None', 'Follow'], 'Whether CNAMEs are followed.'),
            nameservers: atomicTexts('Name servers that are asked.'),
            ...ownNames(),
            ...cloudNames(),
          },
          'By an entry in DNS.',
        ),
      ),
      waitInsteadOfSelfCheck: text('How long to wait in place of a look of its own.'),
    },
    'How a challenge is solved.',
  ),
);
