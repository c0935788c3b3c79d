import { describe, expect, it } from 'vitest';
import { bundleEndpointUrl } from './bundle-endpoint-url.ts';

describe('bundleEndpointUrl', () => {
  it.each(['https://bundle.example/', 'https://10.0.0.9:8443/path?x=1', 'https://[::1]:8443'])(
    'takes %s',
    (text) => {
      expect(bundleEndpointUrl(text).protocol).toBe('https:');
    },
  );

  it.each([
    ['http://bundle.example/', /must begin with https/],
    ['https://me:secret@bundle.example/', /user or password/],
    ['https://bundle.example/#x', /fragment/],
    ['bundle.example', /is not a URL/],
    ['file:///etc/passwd', /must begin with https/],
  ])('refuses %s', (text, message) => {
    expect(() => bundleEndpointUrl(text)).toThrow(message);
  });

  it('reads a redirect relative to where it came from', () => {
    const from = new URL('https://bundle.example/a/b');
    expect(bundleEndpointUrl('c', from).href).toBe('https://bundle.example/a/c');
    expect(() => bundleEndpointUrl('http://bundle.example/', from)).toThrow(/https/);
  });
});
