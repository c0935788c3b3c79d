import type { ApiObject } from '../../apiclient/api-object.ts';

/** What of the API is asked for other objects. */
export interface Look {
  /** Objects of a type such as `pods`, in a namespace or in all, by a label selector. */
  list(
    type: string,
    where: { readonly namespace?: string | undefined; readonly selector?: string | undefined },
  ): Promise<readonly ApiObject[]>;
  /** Where policies without a selector hold of the whole mesh. */
  readonly rootNamespace: string;
}

/** Other objects that one is about, under a heading. */
export interface Related {
  readonly title: string;
  readonly lines: readonly string[];
  /** What to say where there are none. */
  readonly none: string;
}

type Relation = (object: ApiObject, look: Look) => Promise<Related>;

const RELATIONS: Readonly<Record<string, readonly Relation[]>> = {
  'AuthorizationPolicy.security.istio.io': [selectedWorkloads],
  'PeerAuthentication.security.istio.io': [selectedWorkloads],
  'RequestAuthentication.security.istio.io': [selectedWorkloads],
  'DestinationRule.networking.istio.io': [calledServices],
  ServiceAccount: [accountWorkloads, accountBindings],
  Service: [serviceWorkloads, serviceRules],
};

/** The other objects that an operator looks up next. */
export async function relatedObjects(object: ApiObject, look: Look): Promise<readonly Related[]> {
  const group = object.apiVersion.includes('/') ? object.apiVersion.split('/')[0] : '';
  const kind = group === '' ? object.kind : `${object.kind}.${group}`;
  const relations = Object.hasOwn(RELATIONS, kind) ? (RELATIONS[kind] ?? []) : [];
  return Promise.all(relations.map((relation) => relation(object, look)));
}

const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inner, key) => (inner as Readonly<Record<string, unknown>> | null | undefined)?.[key],
    value,
  );

function selectorText(labels: unknown): string | undefined {
  const entries = Object.entries((labels ?? {}) as Readonly<Record<string, string>>);
  return entries.length === 0 ? undefined : entries.map(([key, one]) => `${key}=${one}`).join(',');
}

const placeOf = ({ metadata: { namespace, name } }: ApiObject): string => `${namespace}/${name}`;

function workloadLine(pod: ApiObject): string {
  const ip = String(at(pod, 'status', 'podIP') ?? '');
  return `${placeOf(pod)}  ${ip} ${String(at(pod, 'status', 'phase') ?? '')}`.trimEnd();
}

/** The workloads that a policy holds of: of its own namespace, or in the root namespace of all. */
async function selectedWorkloads(policy: ApiObject, look: Look): Promise<Related> {
  const home = policy.metadata.namespace;
  const namespace = home === look.rootNamespace ? undefined : home;
  const selector = selectorText(at(policy, 'spec', 'selector', 'matchLabels'));
  const pods = await look.list('pods', { namespace, selector });
  const where = namespace === undefined ? 'the mesh' : `the namespace ${namespace}`;
  return {
    title: 'Workloads',
    lines: pods.map(workloadLine),
    none: `no workload in ${where} now${selector === undefined ? '' : ` has the labels ${selector}`}`,
  };
}

async function serviceWorkloads(service: ApiObject, look: Look): Promise<Related> {
  const selector = selectorText(at(service, 'spec', 'selector'));
  const pods =
    selector === undefined
      ? []
      : await look.list('pods', { namespace: service.metadata.namespace, selector });
  const none =
    selector === undefined ? 'it has no selector' : `no workload has the labels ${selector} now`;
  return { title: 'Workloads', lines: pods.map(workloadLine), none };
}

async function serviceRules(service: ApiObject, look: Look): Promise<Related> {
  const rules = await look.list('destinationrules', {});
  const own = rules.filter((rule) => names(at(rule, 'spec', 'host'), rule, service));
  return { title: 'Destination Rules', lines: own.map(placeOf), none: 'none is about its host' };
}

async function calledServices(rule: ApiObject, look: Look): Promise<Related> {
  const host = at(rule, 'spec', 'host');
  const services = (await look.list('services', {})).filter((one) => names(host, rule, one));
  const entries = (await look.list('serviceentries', {})).filter((entry) =>
    (at(entry, 'spec', 'hosts') as readonly unknown[] | undefined)?.includes(host),
  );
  return {
    title: 'Called',
    lines: [
      ...services.map((one) => `Service ${placeOf(one)}`),
      ...entries.map((one) => `ServiceEntry ${placeOf(one)}`),
    ],
    none: `no Service and no ServiceEntry has the host ${String(host)}`,
  };
}

/** Whether a rule's host is a Service: by its short name only in the rule's own namespace. */
function names(host: unknown, rule: ApiObject, service: ApiObject): boolean {
  const [name, namespace, ...domain] = String(host).split('.');
  const { metadata } = service;
  if (name !== metadata.name && name !== '*') return false;
  if ((namespace ?? rule.metadata.namespace) !== metadata.namespace) return false;
  return domain.length === 0 || domain[0] === 'svc';
}

async function accountWorkloads(account: ApiObject, look: Look): Promise<Related> {
  const { namespace, name } = account.metadata;
  const pods = (await look.list('pods', { namespace })).filter(
    (pod) => at(pod, 'spec', 'serviceAccountName') === name,
  );
  return { title: 'Workloads', lines: pods.map(workloadLine), none: 'none runs as it now' };
}

async function accountBindings(account: ApiObject, look: Look): Promise<Related> {
  const bindings = [
    ...(await look.list('rolebindings', {})),
    ...(await look.list('clusterrolebindings', {})),
  ].filter((binding) =>
    ((at(binding, 'subjects') ?? []) as readonly unknown[]).some((subject) =>
      isAccount(subject, account, binding.metadata.namespace),
    ),
  );
  const lines = bindings.map((binding) => {
    const { namespace, name } = binding.metadata;
    const role = `${String(at(binding, 'roleRef', 'kind'))} ${String(at(binding, 'roleRef', 'name'))}`;
    return `${namespace === undefined ? 'everywhere' : `in ${namespace}`}: ${role} by ${binding.kind} ${name}`;
  });
  return { title: 'Rights in the API', lines, none: 'no binding names it' };
}

function isAccount(subject: unknown, { metadata }: ApiObject, home: string | undefined): boolean {
  return (
    at(subject, 'kind') === 'ServiceAccount' &&
    at(subject, 'name') === metadata.name &&
    (at(subject, 'namespace') ?? home) === metadata.namespace
  );
}
