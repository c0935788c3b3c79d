import { Type } from 'typebox';
import { text } from '../fields.ts';
import { lazy } from '../lazy.ts';

/** Kubernetes' ObjectReference: another object, and perhaps a field of it. */
export const objectReference = lazy(() =>
  Type.Object(
    {
      apiVersion: text('Its apiVersion.'),
      kind: text('Its kind.'),
      namespace: text('Its namespace.'),
      name: text('Its name.'),
      uid: text('Its uid.'),
      resourceVersion: text('The version that is meant.'),
      fieldPath: text('The field that is meant.'),
    },
    {
      additionalProperties: false,
      'x-kubernetes-map-type': 'atomic',
      description: 'Another object.',
    },
  ),
);
