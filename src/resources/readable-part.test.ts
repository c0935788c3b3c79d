import { describe, expect, it } from 'vitest';
import { readablePart } from './readable-part.ts';

const pod = (spec: unknown, metadata: object = { name: 'p', labels: { app: 'a' } }) =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata, spec }) as never;

describe('readablePart', () => {
  it('leaves out what is wrong, with what cannot be without it', () => {
    const spec = { containers: [{ image: 'x' }, { name: 'b', imag: 'y' }], hostNetwork: true };
    expect(readablePart(pod(spec), {})).toMatchObject({
      whole: false,
      resource: { spec: { containers: [{ name: 'b' }], hostNetwork: true } },
    });
  });

  it('fills in what is missing with nothing', () => {
    const value = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } };
    expect(readablePart(value, {})).toMatchObject({
      whole: true,
      resource: { metadata: { name: 'p', namespace: 'default' }, spec: { containers: [] } },
    });
  });

  it('takes a name that is none, and rules of the kind that are broken', () => {
    const gateway = (name: string) => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'Gateway',
      metadata: { name },
      spec: { selector: { a: 'b' }, servers: [] },
    });
    expect(readablePart(gateway('Upper_Case'), {})).toMatchObject({ whole: true });
  });

  it.each([
    [{ apiVersion: 'v1', kind: 'Pod', metadata: { labels: {} } }],
    [{ apiVersion: 'v1', kind: 'Pod' }],
    [{ kind: 'Pod', metadata: { name: 'p' } }],
    [7],
    [null],
  ])('gives nothing of %j', (value) => {
    expect(readablePart(value as never, {})).toBeUndefined();
  });

  it('does not change what it was given', () => {
    const value = pod({ containers: [{ image: 'x' }] });
    const before = JSON.stringify(value);
    readablePart(value, {});
    expect(JSON.stringify(value)).toBe(before);
  });
});
