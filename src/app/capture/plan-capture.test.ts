import { describe, expect, it } from 'vitest';
import { type CaptureRequest, capturedResolvers, planCapture } from './plan-capture.ts';

const nothing = { includePorts: [], excludePorts: [], includeCidrs: [], excludeCidrs: [] };

function request(over: Partial<CaptureRequest> = {}): CaptureRequest {
  return {
    name: 'default',
    from: { all: false, uids: [1000], gids: [], cgroups: [] },
    proxy: { uids: [], gids: [1337] },
    ports: { outbound: 15_001, inbound: 15_006, dns: 15_053 },
    ...{ outbound: nothing, inbound: undefined },
    ...over,
  };
}

const from = (over: Partial<CaptureRequest['from']>): CaptureRequest['from'] => ({
  ...{ all: false, uids: [], gids: [], cgroups: [] },
  ...over,
});

describe('a plan to capture', () => {
  it('has whose connections, and the resolvers of this host', () => {
    const plan = planCapture(request());
    expect(plan.outbound?.from).toEqual([{ kind: 'uid', uid: 1000 }]);
    expect(plan.outbound?.resolvers.length).toBeGreaterThan(0);
    expect(plan.inbound).toBeUndefined();
  });

  it('tells the families of ranges apart', () => {
    const excludeCidrs = ['10.0.0.0/8', 'fd00::/8'];
    const plan = planCapture(request({ outbound: { ...nothing, excludeCidrs } }));
    expect(plan.outbound?.excludeCidrs.map(({ family }) => family)).toEqual(['ipv4', 'ipv6']);
  });

  it('may be for inbound connections only', () => {
    expect(planCapture(request({ from: from({}), inbound: nothing })).outbound).toBeUndefined();
  });

  it.each([
    ['nothing at all', { from: from({}) }, 'nothing to capture'],
    [
      'all, without who the proxy is',
      { from: from({ all: true }), proxy: { uids: [], gids: [] } },
      '--proxy-uid',
    ],
    [
      'the user of the proxy',
      { from: from({ uids: [7] }), proxy: { uids: [7], gids: [] } },
      'uid 7',
    ],
    ['the group of the proxy', { from: from({ gids: [1337] }) }, 'gid 1337'],
    ['a cgroup that is not there', { from: from({ cgroups: ['no/such'] }) }, 'cgroup'],
    ['a cgroup out of a rule', { from: from({ cgroups: ['a" accept'] }) }, 'cgroup'],
  ])('is refused for %s', (_, over, hint) => {
    expect(() => planCapture(request(over))).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE', message: expect.stringContaining(hint) }),
    );
  });
});

describe('the resolvers whose queries are captured', () => {
  it('are those of the host, each once, but those of one wire only', () => {
    const text = 'nameserver 10.0.0.1\nnameserver fe80::1%eth0\nnameserver fd00::1\n';
    expect(capturedResolvers(text)).toEqual([
      { family: 'ipv4', text: '10.0.0.1' },
      { family: 'ipv6', text: 'fd00::1' },
    ]);
    expect(capturedResolvers('nameserver ::1\nnameserver ::1\n')).toHaveLength(1);
  });

  it('begin with one that can be captured', () => {
    expect(() => capturedResolvers('nameserver fe80::1%eth0\nnameserver 10.0.0.1\n')).toThrow(
      expect.objectContaining({ message: expect.stringContaining('"fe80::1%eth0"') }),
    );
  });
});
