import { fieldOf } from '../field-path.ts';
import { quote } from '../field-problem.ts';
import { isIpAddress } from '../ip-syntax.ts';
import type { Report } from '../kind-definition.ts';
import { checkLabels } from '../metadata.ts';
import { nameProblem } from '../names.ts';

/** One workload: where it is and who it is. */
interface Endpoint {
  readonly address?: string;
  readonly network?: string;
  readonly ports?: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
}

const UNIX = 'unix://';
const PORT_NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?$/;
const LONGEST_PORT_NAME = 62;

/** Reports what Istio refuses of one workload beyond its schema, and an account that is no name. */
export function checkEndpoint(
  endpoint: Endpoint,
  { field, isTemplate = false }: { readonly field: string; readonly isTemplate?: boolean },
  report: Report,
): void {
  const { address = '', network = '', serviceAccount = '' } = endpoint;
  if (address === '' && network === '' && !isTemplate) {
    report(`${field}.address`, 'is required where there is no network');
  }
  const problem = address === '' ? undefined : addressProblem(address, field);
  if (problem !== undefined) report(`${field}.address`, problem);
  checkPorts(endpoint, field, report);
  checkLabels(endpoint.labels, `${field}.labels`, report);
  // It becomes a segment of a SPIFFE ID, where a "/" would make it somebody else's.
  const account = serviceAccount === '' ? undefined : nameProblem(serviceAccount, 'subdomain');
  if (account !== undefined) report(`${field}.serviceAccount`, account);
}

function checkPorts({ address = '', ports }: Endpoint, field: string, report: Report): void {
  if (ports === undefined) return;
  if (address.startsWith(UNIX)) {
    report(`${field}.ports`, 'must not be set where the address is a Unix socket');
  }
  for (const name of Object.keys(ports)) {
    if (name.length > LONGEST_PORT_NAME || !PORT_NAME.test(name)) {
      report(
        fieldOf(['ports', name], field),
        `${quote(name)} is not a port name; use up to ${LONGEST_PORT_NAME} letters, digits and "-"`,
      );
    }
  }
}

function addressProblem(address: string, field: string): string | undefined {
  if (isIpAddress(address)) return undefined;
  if (address.startsWith(UNIX)) return socketProblem(address.slice(UNIX.length));
  // `10.0.0.256` has the form of a DNS name, but no top-level domain is a number.
  const numeric = /(?:^|\.)\d+$/.test(address);
  const dnsName = address.toLowerCase().replace(/\.$/, '');
  return numeric || nameProblem(dnsName, 'subdomain') !== undefined
    ? `${quote(address)} is not an IP address, a DNS name or a unix:// path; ports go into ${field}.ports`
    : undefined;
}

function socketProblem(path: string): string | undefined {
  if (!/^[/@]/.test(path)) {
    return 'the path of a Unix socket must be absolute, or abstract and begin with "@"';
  }
  return path.endsWith('/') ? 'the path of a Unix socket must not end with "/"' : undefined;
}
