import { describe, expect, it } from 'vitest';
import { analysisCases } from '../../../test/kit/analysis-cases.ts';
import {
  annotated,
  HTTP,
  namespace,
  peers,
  policy,
  rule,
  service,
  workload,
} from '../../../test/kit/analysis-documents.ts';
import { findingLevels } from '../../policy/analysis/finding.ts';
import { examineManifest } from '../../resources/examine-manifest.ts';
import { analysisMessages } from './analysis-messages.ts';

function codesOf(documents: readonly string[]): readonly string[] {
  const text = documents.join('\n---\n');
  return messagesOf(text).map(({ code, origin }) => `${code} ${origin}`);
}

function messagesOf(text: string) {
  return analysisMessages([{ source: 'mesh.yaml', documents: examineManifest(text) }]);
}

describe('analysis', () => {
  it.each(analysisCases)('says %s of %s', (code, origin, documents) => {
    expect(codesOf(documents)).toContain(`${code} ${origin}`);
  });

  it('tries every code that there is', () => {
    const tried = new Set(analysisCases.map(([code]) => code));
    expect(Object.keys(findingLevels).filter((code) => !tried.has(code))).toEqual([]);
  });

  it('says nothing of a mesh that is as it should be', () => {
    const good = [
      namespace('shop', '{istio-injection: enabled}'),
      service(HTTP),
      workload('a'),
      workload('b'),
      peers('default', '{mtls: {mode: STRICT}}'),
      policy(
        'readers',
        '{selector: {matchLabels: {app: a}}, rules: [{from: [{source: {namespaces: [shop], serviceAccounts: []}}], to: [{operation: {methods: [GET], ports: ["8080"]}}]}]}',
      ).replace(', serviceAccounts: []', ''),
      policy(
        'no-b',
        '{action: DENY, rules: [{from: [{source: {serviceAccounts: [b]}}], to: [{operation: {ports: ["9090"]}}]}]}',
      ),
      rule('{host: a, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}'),
    ];
    expect(codesOf(good)).toEqual([]);
  });

  it('says nothing of what is wrong but for the schema, and still sees it', () => {
    const said = messagesOf(
      [
        '{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, labels: {app: a}}, spec: {containers: [{image: x}]}}',
        policy('p', '{selector: {matchLabels: {app: a}}, rules: [{}]}'),
      ].join('\n---\n'),
    );
    expect(said.map(({ code, origin }) => `${code} ${origin}`)).toEqual(['IST0106 Pod shop/p']);
  });

  it('is quiet about what a resource asks it to be', () => {
    const loud = policy('p', '{selector: {matchLabels: {app: a}}, rules: [{}]}');
    const quiet = annotated(loud, '"galley.istio.io/analyze-suppress": "IST0101, IST0127"');
    expect(messagesOf(loud)).toMatchObject([{ code: 'IST0127' }]);
    expect(messagesOf(quiet)).toEqual([]);
  });

  it('tells the line of what it is about, and goes on behind what cannot be read', () => {
    const text = `a: [\n---\n${peers('d', '{mtls: {mode: STRIKT}}')}\n---\n${rule('{host: a}')}`;
    expect(messagesOf(text)).toMatchObject([
      { code: 'IST0106', level: 'Error', origin: 'mesh.yaml' },
      {
        code: 'IST0106',
        level: 'Error',
        origin: 'PeerAuthentication shop/d',
        message:
          'schema validation error: spec.mtls.mode: "STRIKT" is not one of UNSET, DISABLE, PERMISSIVE, STRICT; did you mean "STRICT"?',
        reference: 'mesh.yaml:3',
      },
      { code: 'IST0174', level: 'Warning', reference: 'mesh.yaml:5' },
    ]);
  });
});
