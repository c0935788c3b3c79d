import { Buffer } from 'node:buffer';
import type { Secret } from '../resources/kinds/secret.ts';

export type { Secret } from '../resources/kinds/secret.ts';

export interface SecretName {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
}

/** A Secret resource whose values are given as text. */
export function secretResource(
  { namespace, name, type }: SecretName,
  values: Readonly<Record<string, string>>,
): Secret {
  const data = Object.fromEntries(
    Object.entries(values).map(([field, text]) => [field, Buffer.from(text).toString('base64')]),
  );
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, type, data };
}

/** The values of a Secret as text. */
export function decodeSecretData(secret: Secret): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([field, base64]) => [
      field,
      Buffer.from(base64, 'base64').toString(),
    ]),
  );
}
