import { describe, expect, it } from 'vitest';
import { parseCidrs, parseNamedPorts, parsePort, parsePortRanges } from './port-list.ts';

describe('lists on the command line', () => {
  it('of ports have numbers and ranges', () => {
    expect(parsePortRanges('80, 8000-8100')).toEqual([
      { first: 80, last: 80 },
      { first: 8000, last: 8100 },
    ]);
    expect(parseNamedPorts('http:8080,9090')).toEqual([
      { name: 'http', port: 8080 },
      { name: 'port-9090', port: 9090 },
    ]);
    expect(parsePort('65535')).toBe(65_535);
  });

  it('of address ranges have both families', () => {
    expect(parseCidrs('10.0.0.0/8,fd00::1')).toEqual(['10.0.0.0/8', 'fd00::1']);
  });

  it.each([
    ['', parsePortRanges],
    ['0', parsePortRanges],
    ['90-80', parsePortRanges],
    ['80;drop', parsePortRanges],
    ['65536', parsePortRanges],
    ['80,', parseNamedPorts],
    ['HTTP:80', parseNamedPorts],
    ['http:0', parseNamedPorts],
    ['10.0.0.0/33', parseCidrs],
    ['10.0.0.0/8 } accept', parseCidrs],
    ['example.com', parseCidrs],
    ['1e3', parsePort],
    ['-1', parsePort],
  ])('refuse "%s"', (text, parse) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });
});
