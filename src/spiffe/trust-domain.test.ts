import { describe, expect, it } from 'vitest';
import { TrustDomain } from './trust-domain.ts';

const ALLOWED = new Set(Buffer.from('abcdefghijklmnopqrstuvwxyz0123456789.-_'));
const everyByte = Array.from({ length: 256 }, (_, byte) => byte);
const refusal = (problem: string): unknown =>
  expect.objectContaining({ code: 'ERR_SPIFFE_ID', message: expect.stringContaining(problem) });

describe('TrustDomain', () => {
  it.each([
    'cluster.local',
    'td',
    'a',
    '1.2.3.4',
    'under_score',
    '-',
    '.',
    '..',
    'a..b',
    '-x-',
    'x'.repeat(255),
  ])('accepts %.20s', (name) => {
    const trustDomain = TrustDomain.parse(name);
    expect(trustDomain.name).toBe(name);
    expect(trustDomain.id).toBe(`spiffe://${name}`);
    expect(TrustDomain.parse(trustDomain.id).equals(trustDomain)).toBe(true);
  });

  it.each([
    ['', 'it is empty'],
    ['spiffe://', 'it is empty'],
    ['x'.repeat(256), 'longer than 255 bytes'],
    ['Cluster.local', 'lower case'],
    ['SPIFFE://td', 'only a to z'],
    ['Spiffe://td', 'only a to z'],
    ['spiffe:/td', 'only a to z'],
    ['spiffe://td/', 'only a to z'],
    ['spiffe://td/path', 'only a to z'],
    ['spiffe://spiffe://td', 'only a to z'],
    ['td:80', 'only a to z'],
    ['user@td', 'only a to z'],
    ['[::1]', 'only a to z'],
    ['t%64', 'only a to z'],
    ['td?q', 'only a to z'],
    ['td#f', 'only a to z'],
    ['td ', 'only a to z'],
    ['td\n', 'only a to z'],
    ['ſpiffe', 'only a to z'],
  ])('refuses %.40j: %s', (text, problem) => {
    expect(() => TrustDomain.parse(text)).toThrow(refusal(problem));
  });

  it.each(everyByte)('knows whether byte %d is allowed', (byte) => {
    for (const text of ['', 'a', 'spiffe://a'].map((start) => start + String.fromCharCode(byte))) {
      if (ALLOWED.has(byte)) expect(TrustDomain.parse(`${text}b`).name).toMatch(/b$/);
      else expect(() => TrustDomain.parse(`${text}b`)).toThrow(refusal('not a trust domain'));
    }
  });

  it('is equal by name', () => {
    expect(TrustDomain.parse('a').equals(TrustDomain.parse('spiffe://a'))).toBe(true);
    expect(TrustDomain.parse('a').equals(TrustDomain.parse('b'))).toBe(false);
    expect(`${TrustDomain.parse('spiffe://a')}`).toBe('a');
  });
});
