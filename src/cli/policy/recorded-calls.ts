import { operatorCall } from '../../apiclient/operator-call.ts';
import type { WorkloadCall } from '../../policy/questions/recorded-call.ts';
import { withClient } from '../api-access.ts';
import type { AccessOptions } from '../options.ts';

/** The calls that the mesh remembers. */
export async function recordedCalls(options: AccessOptions): Promise<readonly WorkloadCall[]> {
  const { calls } = await withClient(options, (client) =>
    operatorCall<{ readonly calls: readonly WorkloadCall[] }>(client, {
      method: 'GET',
      path: '/v1/calls',
    }),
  );
  return calls;
}

/** `shop/frontend GET /api -> shop/products:8080, 12 times, last 2026-01-01T00:00:00Z`. */
export function callText(call: WorkloadCall): string {
  const { principal, sourceIp, http, namespace, workload, port, count, lastSeenMs } = call;
  const who = principal === '' ? `plaintext from ${sourceIp}` : principal;
  const what = http === undefined ? '' : ` ${http.method} ${http.path}`;
  const times = count === 1 ? 'once' : `${count} times`;
  const last = new Date(lastSeenMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return `${who} -> ${namespace}/${workload}:${port}${what}, ${times}, last ${last}`;
}
