import { describe, expect, it } from 'vitest';
import type { CapturePlan } from './capture-plan.ts';
import { iptablesParts, iptablesRules } from './iptables-rules.ts';
import { nftRuleset } from './nft-ruleset.ts';

const nothing = { includePorts: [], excludePorts: [], includeCidrs: [], excludeCidrs: [] };
const port = (number: number) => ({ first: number, last: number });

const plan: CapturePlan = {
  name: 'web',
  ports: { outbound: 15_001, inbound: 15_006, dns: 15_053 },
  proxy: { uids: [], gids: [1337] },
  outbound: {
    ...nothing,
    from: [
      { kind: 'uid', uid: 1000 },
      { kind: 'cgroup', path: 'a/b', mountedPath: 'unified/a/b', level: 2 },
    ],
    resolvers: [{ family: 'ipv4', text: '127.0.0.53' }],
    excludePorts: [{ first: 8000, last: 8100 }],
    excludeCidrs: [{ family: 'ipv6', text: 'fd00::/8' }],
  },
  inbound: { ...nothing, includePorts: [port(22), port(8080)] },
};

describe('a plan for nftables', () => {
  it('is one transaction that replaces the table of its name', () => {
    expect(nftRuleset(plan)).toMatchInlineSnapshot(`
      "table inet hauberk_web
      delete table inet hauberk_web
      table inet hauberk_web {
        chain queries {
          type filter hook output priority -300; policy accept;
          meta skgid 1337 return
          meta skuid 1000 ip daddr { 127.0.0.53 } udp dport 53 ct original zone set 15053
          socket cgroupv2 level 2 "unified/a/b" ip daddr { 127.0.0.53 } udp dport 53 ct original zone set 15053
        }
        chain captured {
          ip daddr 127.0.0.1 tcp dport 15002 redirect to :15001
          ip daddr { 127.0.0.53 } udp dport 53 counter redirect to :15053 comment "dns udp"
          ip daddr { 127.0.0.53 } tcp dport 53 counter redirect to :15053 comment "dns tcp"
          fib daddr type { local, broadcast, multicast } return
          ip6 daddr { fe80::/10, fd00::/8 } return
          tcp dport { 8000-8100 } return
          meta l4proto tcp counter redirect to :15001 comment "outbound"
        }
        chain output {
          type nat hook output priority -100; policy accept;
          meta skgid 1337 ip daddr 127.0.0.1 tcp dport 15003 redirect to :15006
          meta skgid 1337 return
          meta skuid 1000 jump captured
          socket cgroupv2 level 2 "unified/a/b" jump captured
        }
        chain inbound {
          type nat hook prerouting priority -100; policy accept;
          iifname "lo" return
          fib daddr type != local return
          tcp dport { 6443, 15008, 15012, 15014, 15020, 15021 } return
          tcp dport { 22, 8080 } counter redirect to :15006 comment "inbound"
        }
      }
      "
    `);
  });

  it('leaves everything outbound alone when it is for inbound only, and the other way round', () => {
    expect(nftRuleset({ ...plan, outbound: undefined })).not.toContain('hook output');
    expect(nftRuleset({ ...plan, inbound: undefined })).not.toContain('hook prerouting');
  });

  it('captures SSH only where it is named, and no range means it', () => {
    const all = { ...plan, inbound: nothing };
    expect(nftRuleset(all)).toMatch(/tcp dport \{ 22, .* \} return/);
    const range = { ...plan, inbound: { ...nothing, includePorts: [{ first: 1, last: 65_535 }] } };
    expect(nftRuleset(range)).toMatch(/tcp dport \{ 22, .* \} return/);
    expect(nftRuleset(plan)).not.toMatch(/tcp dport \{ 22, 6443/);
  });
});

describe('a plan for iptables', () => {
  const unlinked = iptablesParts('web').map((part) => ({ ...part, jumps: [] }));

  it('has the same for each family, and adds the jumps that are missing', () => {
    expect(iptablesRules(plan, 'ipv4', iptablesParts('web'))).toMatchInlineSnapshot(`
      "*raw
      :HAUBERK_WEB_DNS - [0:0]
      -A HAUBERK_WEB_DNS -m owner --gid-owner 1337 -j RETURN
      -A HAUBERK_WEB_DNS -d 127.0.0.53 -p udp -m udp --dport 53 -m owner --uid-owner 1000 -j CT --zone-orig 15053
      -A HAUBERK_WEB_DNS -d 127.0.0.53 -p udp -m udp --dport 53 -m cgroup --path a/b -j CT --zone-orig 15053
      -A OUTPUT -j HAUBERK_WEB_DNS
      COMMIT
      *nat
      :HAUBERK_WEB_OUT - [0:0]
      :HAUBERK_WEB_CAP - [0:0]
      :HAUBERK_WEB_IN - [0:0]
      -A HAUBERK_WEB_OUT -d 127.0.0.1/32 -p tcp -m tcp --dport 15003 -m owner --gid-owner 1337 -j REDIRECT --to-ports 15006
      -A HAUBERK_WEB_OUT -m owner --gid-owner 1337 -j RETURN
      -A HAUBERK_WEB_OUT -m owner --uid-owner 1000 -j HAUBERK_WEB_CAP
      -A HAUBERK_WEB_OUT -m cgroup --path a/b -j HAUBERK_WEB_CAP
      -A HAUBERK_WEB_CAP -d 127.0.0.1/32 -p tcp -m tcp --dport 15002 -j REDIRECT --to-ports 15001
      -A HAUBERK_WEB_CAP -d 127.0.0.53 -p udp -m udp --dport 53 -m comment --comment "dns udp" -j REDIRECT --to-ports 15053
      -A HAUBERK_WEB_CAP -d 127.0.0.53 -p tcp -m tcp --dport 53 -m comment --comment "dns tcp" -j REDIRECT --to-ports 15053
      -A HAUBERK_WEB_CAP -m addrtype --dst-type LOCAL -j RETURN
      -A HAUBERK_WEB_CAP -m addrtype --dst-type MULTICAST -j RETURN
      -A HAUBERK_WEB_CAP -m addrtype --dst-type BROADCAST -j RETURN
      -A HAUBERK_WEB_CAP -p tcp -m tcp --dport 8000:8100 -j RETURN
      -A HAUBERK_WEB_CAP -p tcp -m comment --comment "outbound" -j REDIRECT --to-ports 15001
      -A HAUBERK_WEB_IN -i lo -j RETURN
      -A HAUBERK_WEB_IN -m addrtype ! --dst-type LOCAL -j RETURN
      -A HAUBERK_WEB_IN -p tcp -m tcp --dport 6443 -j RETURN
      -A HAUBERK_WEB_IN -p tcp -m tcp --dport 15008 -j RETURN
      -A HAUBERK_WEB_IN -p tcp -m tcp --dport 15012 -j RETURN
      -A HAUBERK_WEB_IN -p tcp -m tcp --dport 15014 -j RETURN
      -A HAUBERK_WEB_IN -p tcp -m tcp --dport 15020 -j RETURN
      -A HAUBERK_WEB_IN -p tcp -m tcp --dport 15021 -j RETURN
      -A HAUBERK_WEB_IN -p tcp -m tcp --dport 22 -m comment --comment "inbound" -j REDIRECT --to-ports 15006
      -A HAUBERK_WEB_IN -p tcp -m tcp --dport 8080 -m comment --comment "inbound" -j REDIRECT --to-ports 15006
      -A OUTPUT -j HAUBERK_WEB_OUT
      -A PREROUTING -j HAUBERK_WEB_IN
      COMMIT
      "
    `);
    const six = iptablesRules(plan, 'ipv6', unlinked);
    expect(six).toContain('-d fd00::/8 -j RETURN');
    expect(six).not.toContain('127.0.0');
    expect(six).not.toContain('-A OUTPUT');
  });

  it('captures nothing of a family of which no range is included', () => {
    const includeCidrs = [{ family: 'ipv4', text: '10.0.0.0/8' } as const];
    const only4 = { ...plan, outbound: plan.outbound && { ...plan.outbound, includeCidrs } };
    expect(iptablesRules(only4, 'ipv4', unlinked)).toContain('-d 10.0.0.0/8 -p tcp');
    expect(iptablesRules(only4, 'ipv6', unlinked)).not.toContain('--to-ports 15001');
  });
});
