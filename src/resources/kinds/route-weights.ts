import { fieldOf } from '../field-path.ts';
import type { Report } from '../kind-definition.ts';
import { hostOrAddressProblem } from './host-name.ts';

interface Weighted {
  readonly weight?: number;
  readonly destination: {
    readonly host: string;
    readonly subset?: string;
    readonly port?: { readonly number?: number };
  };
}

/** Istio's rules for the destinations of a rule at `field`, and for their shares. */
export function checkWeights(route: readonly Weighted[], field: string, report: Report): void {
  let total = 0;
  for (const [index, { weight = 0, destination }] of route.entries()) {
    const at = fieldOf(['route', index], field);
    if (weight < 0) report(`${at}.weight`, `must not be negative, as ${weight} is`);
    total += weight;
    checkDestination(destination, `${at}.destination`, report);
  }
  if (route.length > 1 && total === 0) {
    report(`${field}.route`, 'the weights of several destinations must not all be 0');
  }
}

/** Istio's rules for one destination at `field`. */
export function checkDestination(
  { host, port }: Weighted['destination'],
  field: string,
  report: Report,
): void {
  const problem =
    host === '*' ? 'a destination cannot be "*"; name a service' : hostOrAddressProblem(host);
  if (problem !== undefined) report(`${field}.host`, problem);
  if (port === undefined) return;
  const { number = 0 } = port;
  if (number < 1 || number > 65535) {
    report(`${field}.port.number`, `must be between 1 and 65535, not ${number}`);
  }
}
