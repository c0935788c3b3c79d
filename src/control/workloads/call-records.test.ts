import { describe, expect, it } from 'vitest';
import type { WorkloadCall } from '../../policy/questions/recorded-call.ts';
import { CallRecords } from './call-records.ts';

const nobody = { name: 'none', attest: async () => undefined };

function call(more: Partial<WorkloadCall> = {}): WorkloadCall {
  return {
    ...{ namespace: 'shop', workload: 'reviews-1', principal: 'a', sourceIp: '10.0.0.1', port: 80 },
    ...{ http: undefined, allowed: true, decision: '', count: 1, lastSeenMs: 1, requestId: '' },
    ...more,
  };
}

describe('the calls that the control plane remembers', () => {
  it('are added up by kind and workload', () => {
    const records = new CallRecords(nobody);
    for (const each of [call(), call({ count: 4, lastSeenMs: 9 }), call({ workload: 'other' })]) {
      records.add(each);
    }
    expect(records.list()).toEqual([
      call({ count: 5, lastSeenMs: 9 }),
      call({ workload: 'other' }),
    ]);
  });

  it('are at most 4096 kinds of one workload, the newest', () => {
    const records = new CallRecords(nobody);
    for (let port = 1; port <= 5_000; port += 1) records.add(call({ port }));
    const ports = records.list().map(({ port }) => port);
    expect([ports.length, ports[0], ports.at(-1)]).toEqual([4_096, 905, 5_000]);
  });

  it('are at most 100000 kinds of all, those go first whose workload was silent for longest', () => {
    const records = new CallRecords(nobody);
    for (let n = 0; n < 26 * 4_000; n += 1) {
      records.add(call({ workload: `w${Math.floor(n / 4_000)}`, port: n % 4_000 }));
    }
    const left = Map.groupBy(records.list(), ({ workload }) => workload);
    expect(records.list()).toHaveLength(100_000);
    expect([left.has('w0'), left.get('w1')?.length, left.get('w25')?.length]).toEqual([
      false,
      4_000,
      4_000,
    ]);
  });
});
