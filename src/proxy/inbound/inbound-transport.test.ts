import { describe, expect, it } from 'vitest';
import { type FirstBytes, inboundTransport } from './inbound-transport.ts';

const plaintext: FirstBytes = { kind: 'plaintext' };
const silent: FirstBytes = { kind: 'silent' };
const tls = (...alpn: string[]): FirstBytes => ({ kind: 'tls', hello: { alpn, sni: undefined } });

describe('inboundTransport', () => {
  it.each([
    ['DISABLE', plaintext, 'plaintext'],
    ['DISABLE', silent, 'plaintext'],
    ['DISABLE', tls('istio'), 'plaintext'],
    ['PERMISSIVE', plaintext, 'plaintext'],
    ['PERMISSIVE', silent, 'plaintext'],
    ['PERMISSIVE', tls(), 'passthrough'],
    ['PERMISSIVE', tls('h2', 'http/1.1'), 'passthrough'],
    ['PERMISSIVE', tls('istio-peer-exchange', 'istio'), 'istio-mtls'],
    ['PERMISSIVE', tls('istio-http/1.1', 'istio', 'http/1.1'), 'istio-mtls'],
    ['PERMISSIVE', tls('h2', 'istio-h2'), 'istio-mtls'],
    ['STRICT', plaintext, 'refused'],
    ['STRICT', silent, 'refused'],
    ['STRICT', tls(), 'istio-mtls'],
    ['STRICT', tls('h2'), 'istio-mtls'],
  ] as const)('under %s makes of %j %s', (mode, first, expected) => {
    expect(inboundTransport(mode, 'opaque', first)).toBe(expected);
    expect(inboundTransport(mode, 'unknown', first)).toBe(expected);
  });

  it.each(['istio-http/1.0', 'istio-http/1.1', 'istio-h2', 'istio-peer-exchange', 'istio'])(
    'knows a client of the mesh by %s alone, on any port',
    (name) => {
      for (const protocol of ['http', 'opaque', 'unknown'] as const) {
        expect(inboundTransport('PERMISSIVE', protocol, tls('h2', name))).toBe('istio-mtls');
      }
    },
  );

  it.each(['istio-http', 'istio-http/2', 'ISTIO', 'istio-', 'xistio', ''])(
    'does not take %j for one of the names',
    (name) => {
      expect(inboundTransport('PERMISSIVE', 'opaque', tls(name))).toBe('passthrough');
      expect(inboundTransport('PERMISSIVE', 'http', tls(name))).toBe('unexpected-tls');
    },
  );

  it.each([
    ['DISABLE', plaintext, 'plaintext'],
    ['DISABLE', silent, 'plaintext'],
    ['DISABLE', tls('istio'), 'unexpected-tls'],
    ['PERMISSIVE', plaintext, 'plaintext'],
    ['PERMISSIVE', tls(), 'unexpected-tls'],
    ['PERMISSIVE', tls('h2', 'http/1.1'), 'unexpected-tls'],
    ['PERMISSIVE', tls('istio-http/1.1', 'istio', 'http/1.1'), 'istio-mtls'],
    ['STRICT', plaintext, 'refused'],
    ['STRICT', tls(), 'istio-mtls'],
  ] as const)('on an HTTP port under %s makes of %j %s', (mode, first, expected) => {
    expect(inboundTransport(mode, 'http', first)).toBe(expected);
  });
});
