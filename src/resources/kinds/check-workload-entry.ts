import { messageOf } from '../../lib/errors.ts';
import { TrustDomain } from '../../spiffe/trust-domain.ts';
import { annotations } from '../annotations.ts';
import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { isIpAddress } from '../ip-syntax.ts';
import type { Report } from '../kind-definition.ts';
import { checkLabels } from '../metadata.ts';
import { nameProblem } from '../names.ts';
import { portTextProblem } from '../port-text.ts';
import type { ObjectMeta } from '../resource.ts';

interface WorkloadEntry {
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly address?: string;
    readonly network?: string;
    readonly ports?: Readonly<Record<string, number>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly serviceAccount?: string;
  };
}

const UNIX = 'unix://';
const PORT_NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?$/;
const LONGEST_PORT_NAME = 62;

/** Reports what Istio refuses of a WorkloadEntry beyond its schema, and an account that is no name. */
export function checkWorkloadEntry({ metadata, spec }: WorkloadEntry, report: Report): void {
  const { address = '', network = '', serviceAccount = '' } = spec;
  if (address === '' && network === '') {
    report('spec.address', 'is required where there is no network');
  }
  const problem = address === '' ? undefined : addressProblem(address);
  if (problem !== undefined) report('spec.address', problem);
  checkPorts(spec, report);
  checkLabels(spec.labels, 'spec.labels', report);
  // It becomes a segment of a SPIFFE ID, where a "/" would make it somebody else's.
  const account = serviceAccount === '' ? undefined : nameProblem(serviceAccount, 'subdomain');
  if (account !== undefined) report('spec.serviceAccount', account);
  const hbonePort = metadata.annotations?.[annotations.hbonePort];
  const hbone = hbonePort === undefined ? undefined : portTextProblem(hbonePort);
  checkTrustDomain(metadata, spec, report);
  if (hbone !== undefined) {
    report(fieldOf(['metadata', 'annotations', annotations.hbonePort]), hbone);
  }
}

function checkTrustDomain(
  { annotations: notes }: ObjectMeta,
  { serviceAccount = '' }: WorkloadEntry['spec'],
  report: Report,
): void {
  const trustDomain = notes?.[annotations.trustDomain];
  if (trustDomain === undefined) return;
  const field = fieldOf(['metadata', 'annotations', annotations.trustDomain]);
  try {
    if (TrustDomain.parse(trustDomain).name !== trustDomain) report(field, 'is a bare name');
  } catch (error) {
    report(field, messageOf(error));
  }
  if (serviceAccount === '') {
    report('spec.serviceAccount', `is required with the annotation ${annotations.trustDomain}`);
  }
}

function checkPorts({ address = '', ports }: WorkloadEntry['spec'], report: Report): void {
  if (ports === undefined) return;
  if (address.startsWith(UNIX)) {
    report('spec.ports', 'must not be set where the address is a Unix socket');
  }
  for (const name of Object.keys(ports)) {
    if (name.length > LONGEST_PORT_NAME || !PORT_NAME.test(name)) {
      report(
        fieldOf(['ports', name], 'spec'),
        `${quote(name)} is not a port name; use up to ${LONGEST_PORT_NAME} letters, digits and "-"`,
      );
    }
  }
}

function addressProblem(address: string): string | undefined {
  if (isIpAddress(address)) return undefined;
  if (address.startsWith(UNIX)) return socketProblem(address.slice(UNIX.length));
  // `10.0.0.256` has the form of a DNS name, but no top-level domain is a number.
  const numeric = /(?:^|\.)\d+$/.test(address);
  const dnsName = address.toLowerCase().replace(/\.$/, '');
  return numeric || nameProblem(dnsName, 'subdomain') !== undefined
    ? `${quote(address)} is not an IP address, a DNS name or a unix:// path; ports go into spec.ports`
    : undefined;
}

function socketProblem(path: string): string | undefined {
  if (!/^[/@]/.test(path)) {
    return 'the path of a Unix socket must be absolute, or abstract and begin with "@"';
  }
  return path.endsWith('/') ? 'the path of a Unix socket must not end with "/"' : undefined;
}
