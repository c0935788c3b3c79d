import { expect, it } from 'vitest';
import { Checker } from '../../src/policy/questions/check-answer.ts';
import { meshInventory } from '../../src/policy/questions/mesh-inventory.ts';
import { parseCheckQuestions } from '../../src/policy/questions/parse-check-questions.ts';
import { parseManifest } from '../../src/resources/parse-manifest.ts';

/** A policy in YAML's flow form: its spec, or action and rules. */
export function authz(
  spec: string,
  { name = 'p', namespace = 'bar', meta = '' }: PolicyMeta = {},
): string {
  return `{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: ${name}, namespace: ${namespace}${meta}}, spec: ${spec}}`;
}

interface PolicyMeta {
  readonly name?: string;
  readonly namespace?: string;
  readonly meta?: string;
}

export const allow = (rule: string, meta?: PolicyMeta) => authz(`{rules: [${rule}]}`, meta);
export const deny = (rule: string, meta?: PolicyMeta) =>
  authz(`{action: DENY, rules: [${rule}]}`, meta);

export const from = (source: string) => `{from: [{source: ${source}}]}`;
export const to = (operation: string) => `{to: [{operation: ${operation}}]}`;
export const when = (key: string, values: string) => `{when: [{key: "${key}", ${values}}]}`;

/** Mesh settings, by the ConfigMap that Istio reads them from. */
export const meshConfig = (yaml: string) =>
  `{apiVersion: v1, kind: ConfigMap, metadata: {name: istio, namespace: istio-system}, data: {mesh: ${JSON.stringify(yaml)}}}`;

type Fields = Readonly<Record<string, unknown>>;

export interface Asked {
  readonly source?: Fields;
  readonly destination?: Fields;
  readonly http?: Fields | null;
  readonly jwt?: unknown;
  readonly sni?: string;
}

const CLIENT = { principal: 'cluster.local/ns/foo/sa/client', namespace: 'foo', ip: '10.1.2.3' };
const SERVER = { namespace: 'bar', labels: { app: 'srv', version: 'v1' }, port: 8080 };
const REQUEST = { method: 'GET', path: '/', host: 'srv.bar.svc.cluster.local' };

/** What `hauberk authz check --request` answers to a request of foo/client to the workload app=srv of bar. */
function verdictOn(documents: readonly string[], asked: Asked = {}) {
  const resources = parseManifest(documents.join('\n---\n'), { source: 'mesh.yaml' });
  const question = {
    source: { ...CLIENT, ...asked.source },
    destination: { ...SERVER, ...asked.destination },
    ...(asked.http === null ? {} : { http: { ...REQUEST, ...asked.http } }),
    jwt: asked.jwt,
    sni: asked.sni,
  };
  const [read] = parseCheckQuestions(JSON.stringify(question), 'requests.json');
  if (read === undefined) throw new Error('no question');
  const mesh = meshInventory(resources.map(({ resource }) => resource));
  const answer = new Checker(mesh, { nowMs: Date.UTC(2026, 0, 1) }).answer(read);
  if ('problem' in answer) throw new Error(answer.problem);
  return answer;
}

/** The whole answer: verdict, status, action, policy, rule. */
export type ExpectedAnswer = readonly [
  'allow' | 'deny',
  number | null,
  string | null,
  string | null,
  number | null,
];

/** Documents, a request, and what is expected, which is worked out by hand from Istio's semantics. */
export type VerdictRow = readonly [
  what: string,
  documents: string | readonly string[],
  asked: Asked,
  expected: 'allow' | 'deny' | ExpectedAnswer,
];

export const plaintext: Asked = { source: { principal: null } };
export const tcp: Asked = { http: null, destination: { protocol: 'TCP' } };
export const ROOT = { namespace: 'istio-system' };
export const CLIENT_ID = CLIENT.principal;

/** A case of each of `rows`. */
export function itAnswers(rows: readonly VerdictRow[]): void {
  it.each(rows)('%s', (_what, documents, asked, expected) => {
    const answer = verdictOn([documents].flat(), asked);
    const { verdict, status, action, policy, rule } = answer;
    const given = typeof expected === 'string' ? verdict : [verdict, status, action, policy, rule];
    expect(given, answer.reason).toEqual(expected);
  });
}
