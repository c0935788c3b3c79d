import { Type } from 'typebox';
import { parseDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import { quote } from '../field-problem.ts';
import type { KindDefinition, Report, ResourceOf } from '../kind-definition.ts';
import { nameProblem } from '../names.ts';
import { closed, status } from '../schema.ts';
import { readUnixSelector } from '../unix-selector.ts';

const LONGEST_HINT = 1_024;
const LONGEST_SELECTOR = 4_096;

const agent = closed(
  {
    serviceAccount: Type.String({ minLength: 1, description: 'The service account of the agent.' }),
    namespace: Type.Optional(
      Type.String({ description: 'Its namespace. Default: that of the registration.' }),
    ),
  },
  'An agent that may serve the workload.',
);

const schema = Type.Object(
  {
    spec: closed(
      {
        serviceAccount: Type.String({
          minLength: 1,
          description: 'Whom the workload runs as: a service account of the same namespace.',
        }),
        selectors: Type.Array(Type.String({ maxLength: LONGEST_SELECTOR }), {
          minItems: 1,
          maxItems: 16,
          description:
            'What must be true of the calling process, all of it: unix:uid, unix:gid, unix:path, unix:sha256, unix:cgroup, as in unix:uid:1000.',
        }),
        agents: Type.Array(agent, {
          minItems: 1,
          maxItems: 64,
          description: 'Which agents may hold the identity and give it to such a process.',
        }),
        hint: Type.Optional(
          Type.String({
            maxLength: LONGEST_HINT,
            description: 'Tells a workload with several identities which one this is.',
          }),
        ),
        dnsNames: Type.Optional(
          Type.Array(Type.String({ maxLength: 253 }), {
            maxItems: 16,
            description: 'DNS names in its certificate beside the SPIFFE ID.',
          }),
        ),
        lifetime: Type.Optional(
          Type.String({
            maxLength: 32,
            description: 'The longest lifetime of its certificates, such as 1h.',
          }),
        ),
      },
      'Which processes are which workload, and who may say so.',
    ),
    status: Type.Optional(status),
  },
  { additionalProperties: false },
);

/** Lets one agent give the identity of a service account to processes that it recognises. */
export type WorkloadRegistration = ResourceOf<'WorkloadRegistration', typeof schema>;

/** SPIRE's registration entry, in the namespace of the identity: who may write there may give it away. */
export const workloadRegistration: KindDefinition<WorkloadRegistration> = {
  group: 'security.hauberk.dev',
  versions: ['v1alpha1'],
  kind: 'WorkloadRegistration',
  plural: 'workloadregistrations',
  singular: 'workloadregistration',
  shortNames: ['wreg'],
  categories: [],
  namespaced: true,
  description:
    'Lets one agent serve several workloads: processes that it recognises by the selectors are given the identity of the service account. Only the agents named in it are given that identity by the control plane.',
  schema,
  validate: checkRegistration,
  warn: warnOfContradiction,
  columns: [
    { name: 'Service Account', type: 'string', jsonPath: '.spec.serviceAccount' },
    { name: 'Selectors', type: 'string', jsonPath: '.spec.selectors' },
    { name: 'Agents', type: 'string', jsonPath: '.spec.agents[*].serviceAccount' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  visibility: 'mesh',
  exportedTo: ({ spec }) => spec.agents.map(({ namespace = '.' }) => namespace),
  confidential: false,
};

function checkRegistration(registration: WorkloadRegistration, report: Report): void {
  const { spec } = registration;
  checkName('spec.serviceAccount', spec.serviceAccount, report);
  for (const [at, text] of spec.selectors.entries()) {
    const selector = readUnixSelector(text);
    if ('problem' in selector) {
      report(`spec.selectors[${at}]`, `${quote(text)}: ${selector.problem}`);
    }
  }
  for (const [at, { serviceAccount, namespace }] of spec.agents.entries()) {
    checkName(`spec.agents[${at}].serviceAccount`, serviceAccount, report);
    if (namespace !== undefined) checkName(`spec.agents[${at}].namespace`, namespace, report);
  }
  checkCertificate(registration, report);
}

/** What is to be in the certificate, and beside it. */
function checkCertificate({ spec }: WorkloadRegistration, report: Report): void {
  for (const [at, name] of (spec.dnsNames ?? []).entries()) {
    checkName(`spec.dnsNames[${at}]`, name.replace(/^\*\./, ''), report);
  }
  if (new TextEncoder().encode(spec.hint).length > LONGEST_HINT) {
    report('spec.hint', `must be at most ${LONGEST_HINT} bytes`);
  }
  if (spec.lifetime !== undefined && !isPositiveDuration(spec.lifetime)) {
    report('spec.lifetime', `${quote(spec.lifetime)} is not a lifetime; write for example "1h"`);
  }
}

function checkName(field: string, name: string, report: Report): void {
  const problem = nameProblem(name, 'subdomain');
  if (problem !== undefined) report(field, problem);
}

function warnOfContradiction({ spec }: WorkloadRegistration, report: Report): void {
  const facts = spec.selectors.flatMap((text) => {
    const selector = readUnixSelector(text);
    return 'fact' in selector && selector.fact !== 'cgroup' ? [selector.fact] : [];
  });
  const twice = facts.find((fact, at) => facts.indexOf(fact) !== at);
  if (twice === undefined) return;
  report('spec.selectors', `asks for unix:${twice} twice; all selectors must hold`);
}

function isPositiveDuration(text: string): boolean {
  try {
    return parseDuration(text) > 0;
  } catch (error) {
    if (MeshError.is(error, 'ERR_USAGE')) return false;
    throw error;
  }
}
