import { expect, it } from 'vitest';
import { problemsOf } from '../../../test/kit/validated.ts';

function withSpec(spec: string, annotations = '{}'): string {
  return `{apiVersion: networking.istio.io/v1, kind: WorkloadEntry, metadata: {name: a, annotations: ${annotations}}, spec: ${spec}}`;
}

it.each([
  '{address: 10.0.0.1, ports: {http: 8080, 8443: 443}, labels: {app: a}, network: n, locality: a/b/c, weight: 0, serviceAccount: reviews}',
  '{address: "fd00::1"}',
  '{address: vm-1.Example.com.}',
  '{address: localhost}',
  '{address: unix:///run/a.sock}',
  '{address: "unix://@abstract"}',
  '{network: other}',
  '{address: 10.0.0.1, serviceAccount: ""}',
])('takes the spec %s', (spec) => {
  expect(problemsOf(withSpec(spec))).toEqual([]);
});

it.each([
  ['{}', 'spec.address: is required where there is no network'],
  ['{address: ""}', 'spec.address: is required where there is no network'],
  ...['10.0.0.256', '10.0.0.1:80', '10.0.0.0/8', 'a_b', 'fd00::g', '[::1]', 'http://a', '*'].map(
    (address) => [
      `{address: "${address}"}`,
      `spec.address: "${address}" is not an IP address, a DNS name or a unix:// path; ports go into spec.ports`,
    ],
  ),
  [`{address: ${'a'.repeat(257)}}`, 'spec.address: has more than 256 characters'],
  [
    '{address: "unix://run/a"}',
    'spec.address: the path of a Unix socket must be absolute, or abstract and begin with "@"',
  ],
  ['{address: "unix:///run/"}', 'spec.address: the path of a Unix socket must not end with "/"'],
  [
    '{address: "unix:///a", ports: {http: 80}}',
    'spec.ports: must not be set where the address is a Unix socket',
  ],
  ['{address: a, ports: {http: 0}}', 'spec.ports.http: must be between 1 and 65535, not 0'],
  ['{address: a, ports: {http: 65536}}', 'spec.ports.http: must be between 1 and 65535, not 65536'],
  [
    '{address: a, ports: {http: "80"}}',
    'spec.ports.http: must be a whole number, not "80"; leave out the quotes',
  ],
  ['{address: a, ports: {http: 80.5}}', 'spec.ports.http: must be a whole number, not 80.5'],
  [
    '{address: a, ports: {a_b: 80}}',
    'spec.ports.a_b: "a_b" is not a port name; use up to 62 letters, digits and "-"',
  ],
  [
    `{address: a, ports: {${'a'.repeat(63)}: 80}}`,
    `spec.ports.${'a'.repeat(63)}: "${'a'.repeat(63)}" is not a port name; use up to 62 letters, digits and "-"`,
  ],
  ['{address: a, weight: -1}', 'spec.weight: must be between 0 and 4294967295, not -1'],
  [
    '{address: a, labels: {a: b c}}',
    'spec.labels.a: "b c" is not a label; use letters, digits, "-", "_" and ".", and begin and end with a letter or digit',
  ],
  [
    '{address: a, serviceAccount: b/sa/c}',
    'spec.serviceAccount: "b/sa/c" is not a name here; use lower case letters, digits, "-" and ".", and begin and end each part with a letter or digit',
  ],
  ['{address: a, adress: b}', 'spec.adress: unknown field "adress"; did you mean "address"?'],
])('refuses the spec %s', (spec, problem) => {
  expect(problemsOf(withSpec(spec))).toEqual([problem]);
});

it('needs a spec', () => {
  const bare =
    '{apiVersion: networking.istio.io/v1beta1, kind: WorkloadEntry, metadata: {name: a}}';
  expect(problemsOf(bare)).toEqual(['spec: is required']);
});

it.each([
  ['"15008"', []],
  ['"0"', ['"0" is not a port; it must be a number between 1 and 65535']],
  ['http', ['"http" is not a port; it must be a number between 1 and 65535']],
])('checks the HBONE port %s of its annotation', (port, problems) => {
  const annotations = `{networking.hauberk.dev/hbone-port: ${port}}`;
  expect(problemsOf(withSpec('{address: a}', annotations))).toEqual(
    problems.map(
      (problem) => `metadata.annotations[networking.hauberk.dev/hbone-port]: ${problem}`,
    ),
  );
});

it.each([
  ['partner.example', 'serviceAccount: reviews', []],
  ['partner.example', 'address: b', ['is required with the annotation']],
  ['Partner', 'serviceAccount: reviews', ['write it in lower case']],
  ['spiffe://partner.example', 'serviceAccount: reviews', ['is a bare name']],
])('checks the trust domain "%s" of its annotation, beside %s', (domain, field, problems) => {
  const spec = field.startsWith('address') ? field : `address: a, ${field}`;
  const notes = `{security.hauberk.dev/trust-domain: "${domain}"}`;
  const found = problemsOf(
    `{apiVersion: networking.istio.io/v1, kind: WorkloadEntry, metadata: {name: a, annotations: ${notes}}, spec: {${spec}}}`,
  );
  expect(found).toEqual(problems.map((problem) => expect.stringContaining(problem)));
});
