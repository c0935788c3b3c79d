import { describe, expect, it } from 'vitest';
import { type CaptureFlags, captureConfigOf } from './capture-flags.ts';

const flags = (over: Partial<CaptureFlags> = {}): CaptureFlags => ({
  capture: 'explicit',
  ...{ outboundTo: '15001', inboundTo: '15006', dnsTo: '15053' },
  ...over,
});

describe('the flags of capture', () => {
  it('capture nothing by default', () => {
    expect(captureConfigOf(flags())).toEqual({
      ...{ redirect: undefined, httpProxy: undefined, socks: undefined },
    });
  });

  it('redirect to the usual ports', () => {
    expect(
      captureConfigOf(flags({ capture: 'redirect', inboundPorts: 'http:8080' })),
    ).toMatchObject({
      redirect: {
        ...{ outboundPort: 15_001, inboundPort: 15_006, dnsPort: 15_053 },
        inboundPorts: [{ name: 'http', port: 8080 }],
      },
    });
    expect(captureConfigOf(flags({ capture: 'redirect', dnsTo: 'off' })).redirect).toMatchObject({
      ...{ dnsPort: undefined, inboundPorts: undefined },
    });
  });

  it('offer proxies on the loopback', () => {
    expect(captureConfigOf(flags({ capture: 'proxy', socks: 'off' }))).toMatchObject({
      ...{ httpProxy: { host: '127.0.0.1', port: 15_080 }, socks: undefined },
    });
    expect(captureConfigOf(flags({ httpProxy: '[::1]:3128' })).httpProxy?.port).toBe(3128);
  });

  it.each([
    ['a proxy that other hosts reach', { httpProxy: '0.0.0.0:3128' }, 'identity'],
    ['another such', { socks: '10.0.0.1:1080' }, 'identity'],
    ['ports of the application without redirect', { inboundPorts: '80' }, '--inbound'],
  ])('refuse %s', (_, over, hint) => {
    expect(() => captureConfigOf(flags(over))).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE', message: expect.stringContaining(hint) }),
    );
  });
});
