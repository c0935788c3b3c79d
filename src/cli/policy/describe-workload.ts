import { MeshError } from '../../lib/errors.ts';
import { meshInventory } from '../../policy/questions/mesh-inventory.ts';
import { type WorkloadView, workloadView } from '../../policy/questions/workload-view.ts';
import { askPlane } from '../api-access.ts';
import type { AccessOptions } from '../options.ts';
import { liveMesh } from './mesh-source.ts';
import { callText, recordedCalls } from './recorded-calls.ts';

/** The newest certificate of a workload, as `certs list` has it. */
interface Certificate {
  readonly serial: string;
  readonly notAfter: string;
  readonly revoked?: { readonly at: string };
}

/** `hauberk describe workload NAMESPACE/NAME`: who may call it and why, who did, and its certificate. */
export async function describeWorkload(
  name: string,
  options: AccessOptions & { readonly namespace?: string },
): Promise<string> {
  const [first = '', second] = name.split('/');
  const [namespace, bare] =
    second === undefined ? [options.namespace ?? 'default', first] : [first, second];
  const [{ resources, founded }, calls] = await Promise.all([
    liveMesh(options),
    recordedCalls(options),
  ]);
  const view = workloadView(meshInventory(resources, founded), calls, namespace, bare);
  if ('problem' in view) throw new MeshError('ERR_NOT_FOUND', view.problem);
  const { items } = await askPlane<{ readonly items: readonly Certificate[] }>(options, {
    method: 'GET',
    path: '/v1/certificates',
    query: { id: view.identity, limit: '1' },
  });
  return workloadText(view, items[0]);
}

/** A workload for people. */
function workloadText(view: WorkloadView, certificate: Certificate | undefined): string {
  const labels = Object.entries(view.labels).map(([key, value]) => `${key}=${value}`);
  return [
    `Name:          ${view.namespace}/${view.name}`,
    `Identity:      ${view.identity}`,
    `Labels:        ${labels.join(',') || '<none>'}`,
    `Certificate:   ${certificateText(certificate)}`,
    'Ports:',
    ...section(
      view.ports.map(({ port, mtls, by, http }) => {
        const why = by === undefined ? 'nobody says otherwise' : `by ${by}`;
        return `${port}: mutual TLS ${mtls}, ${why}${http ? '; policies look at its requests' : ''}`;
      }),
    ),
    'Policies (in the order that they are asked):',
    ...section(
      view.policies.map(({ action, policy, rules, dryRun }) => {
        return `${action} ${policy}, ${rules} rule${rules === 1 ? '' : 's'}${dryRun ? ', dry run' : ''}`;
      }),
    ),
    'Callers that were let through:',
    ...section(view.callers.map(callText)),
    'Last denials:',
    ...section(view.denials.flatMap((call) => [callText(call), `  ${call.decision}`])),
  ].join('\n');
}

function certificateText(certificate: Certificate | undefined): string {
  if (certificate === undefined) return '<none>';
  const { serial, notAfter, revoked } = certificate;
  return `${serial}, until ${notAfter}${revoked === undefined ? '' : `, revoked at ${revoked.at}`}`;
}

function section(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? ['  <none>'] : lines.map((line) => `  ${line}`);
}
