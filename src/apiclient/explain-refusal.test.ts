import { describe, expect, it } from 'vitest';
import type { MeshError } from '../lib/errors.ts';
import { ApiError, type ApiStatus } from './api-error.ts';
import { explainRefusal } from './explain-refusal.ts';
import { manifestObjects } from './manifest-objects.ts';

const text = `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: shop
data:
  size: large
`;
const [document] = manifestObjects({ text, source: 'shop.yaml' });

function explained(status: Partial<ApiStatus>): string {
  if (document === undefined) throw new Error('no document');
  const error = new ApiError({ code: 400, reason: '', message: '', details: {}, ...status });
  return (explainRefusal(error, document) as MeshError).message;
}

describe('a refusal of the server', () => {
  it('is shown at the line of each field that it is about', () => {
    const causes = [{ field: 'data.size', message: 'is too large' }, { message: 'is not to be' }];
    expect(explained({ reason: 'Invalid', details: { causes } })).toBe(
      'shop.yaml:7: ConfigMap "settings": data.size: is too large\n' +
        'shop.yaml:1: ConfigMap "settings": is not to be',
    );
  });

  it('says what to do where the namespace is missing', () => {
    const details = { kind: 'namespaces', name: 'shop' };
    expect(explained({ reason: 'NotFound', details })).toBe(
      'shop.yaml:1: ConfigMap "settings": namespace "shop" does not exist; apply a Namespace of that name first or in the same file',
    );
  });

  it('says no more than the server where something else is missing', () => {
    const details = { kind: 'configmaps', name: 'settings' };
    expect(explained({ reason: 'NotFound', message: 'it is gone', details })).toBe(
      'shop.yaml:1: ConfigMap "settings": it is gone',
    );
  });

  it('finds the lines of unknown fields in its words', () => {
    const message = 'strict decoding error: unknown field "data.size", duplicate field "metadata"';
    expect(explained({ reason: 'BadRequest', message })).toBe(
      'shop.yaml:7: ConfigMap "settings": unknown field "data.size"\n' +
        'shop.yaml:3: ConfigMap "settings": duplicate field "metadata"',
    );
  });

  it('is not made of what is none', () => {
    const error = new Error('the connection was lost');
    expect(document && explainRefusal(error, document)).toBe(error);
  });
});
