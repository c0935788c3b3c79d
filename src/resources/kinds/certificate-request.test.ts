import { expect, it } from 'vitest';
import { problemsOf, resourceOf } from '../../../test/kit/validated.ts';
import { validateUpdate } from '../validate-update.ts';
import { certificateRequest } from './certificate-request.ts';

const CSR = btoa('-----BEGIN CERTIFICATE REQUEST-----\n');

function request(rest = '', csr = CSR): string {
  return `{apiVersion: cert-manager.io/v1, kind: CertificateRequest, metadata: {name: a}, spec: {request: "${csr}", issuerRef: {name: ca} ${rest}}}`;
}

it('takes a request in PEM, and nothing else', () => {
  expect(problemsOf(request())).toEqual([]);
  expect(problemsOf(request('', btoa('x')))).toEqual([
    'spec.request: is not a PEM block in base64',
  ]);
  expect(problemsOf(request(', duration: 0s'))).toEqual([
    'spec.duration: is not a duration above 0, such as "2160h"',
  ]);
});

it('lets nobody change what was asked', () => {
  const update = (rest: string) =>
    validateUpdate(resourceOf(request()), resourceOf(request(rest)), {
      definition: certificateRequest,
    });
  expect(update('')).toEqual([]);
  expect(update(', isCA: true')).toMatchObject([{ field: 'spec', reason: 'immutable' }]);
});
