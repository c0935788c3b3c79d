/**
 * How a field of a message is to be read. Fields that Go sends even when they are empty are left out
 * then; those of the `given` kinds are sent only when somebody set them, so that 0 and false count.
 */
export type FieldType =
  | 'string'
  | 'int'
  | 'given-int'
  | 'bool'
  | 'given-bool'
  | 'bytes'
  | 'time'
  | 'int-or-string'
  | { readonly message: MessageName }
  | { readonly map: 'string' | 'bytes' | 'strings' };

export interface FieldRow {
  readonly json: string;
  readonly type: FieldType;
  readonly repeated?: true;
}

export type Message = Readonly<Record<number, FieldRow>>;

const text = (json: string): FieldRow => ({ json, type: 'string' });
const texts = (json: string): FieldRow => ({ json, type: 'string', repeated: true });
const one = (json: string, message: MessageName): FieldRow => ({ json, type: { message } });
const many = (json: string, message: MessageName): FieldRow => ({
  json,
  type: { message },
  repeated: true,
});
const textMap = (json: string): FieldRow => ({ json, type: { map: 'string' } });
const bytesMap = (json: string): FieldRow => ({ json, type: { map: 'bytes' } });
const typed = (json: string, type: FieldType): FieldRow => ({ json, type });

/** The numbers in Kubernetes' generated.proto files of what kubectl sends so. */
export const messages = {
  ObjectMeta: {
    1: text('name'),
    2: text('generateName'),
    3: text('namespace'),
    4: text('selfLink'),
    5: text('uid'),
    6: text('resourceVersion'),
    7: typed('generation', 'int'),
    8: typed('creationTimestamp', 'time'),
    9: typed('deletionTimestamp', 'time'),
    10: typed('deletionGracePeriodSeconds', 'given-int'),
    11: textMap('labels'),
    12: textMap('annotations'),
    13: many('ownerReferences', 'OwnerReference'),
    14: texts('finalizers'),
  },
  OwnerReference: {
    1: text('kind'),
    3: text('name'),
    4: text('uid'),
    5: text('apiVersion'),
    6: typed('controller', 'given-bool'),
    7: typed('blockOwnerDeletion', 'given-bool'),
  },
  DeleteOptions: {
    1: typed('gracePeriodSeconds', 'given-int'),
    2: one('preconditions', 'Preconditions'),
    3: typed('orphanDependents', 'given-bool'),
    4: text('propagationPolicy'),
    5: texts('dryRun'),
  },
  Preconditions: { 1: text('uid'), 2: text('resourceVersion') },
  LabelSelector: {
    1: textMap('matchLabels'),
    2: many('matchExpressions', 'LabelSelectorRequirement'),
  },
  LabelSelectorRequirement: { 1: text('key'), 2: text('operator'), 3: texts('values') },
  Namespace: { 1: one('metadata', 'ObjectMeta'), 2: one('spec', 'NamespaceSpec') },
  NamespaceSpec: { 1: texts('finalizers') },
  ConfigMap: {
    1: one('metadata', 'ObjectMeta'),
    2: textMap('data'),
    3: bytesMap('binaryData'),
    4: typed('immutable', 'given-bool'),
  },
  Secret: {
    1: one('metadata', 'ObjectMeta'),
    2: bytesMap('data'),
    3: text('type'),
    4: textMap('stringData'),
    5: typed('immutable', 'given-bool'),
  },
  ServiceAccount: {
    1: one('metadata', 'ObjectMeta'),
    2: many('secrets', 'ObjectReference'),
    3: many('imagePullSecrets', 'LocalObjectReference'),
    4: typed('automountServiceAccountToken', 'given-bool'),
  },
  ObjectReference: {
    1: text('kind'),
    2: text('namespace'),
    3: text('name'),
    4: text('uid'),
    5: text('apiVersion'),
    6: text('resourceVersion'),
    7: text('fieldPath'),
  },
  LocalObjectReference: { 1: text('name') },
  Service: { 1: one('metadata', 'ObjectMeta'), 2: one('spec', 'ServiceSpec') },
  ServiceSpec: {
    1: many('ports', 'ServicePort'),
    2: textMap('selector'),
    3: text('clusterIP'),
    4: text('type'),
    5: texts('externalIPs'),
    7: text('sessionAffinity'),
    8: text('loadBalancerIP'),
    9: texts('loadBalancerSourceRanges'),
    10: text('externalName'),
    11: text('externalTrafficPolicy'),
    12: typed('healthCheckNodePort', 'int'),
    13: typed('publishNotReadyAddresses', 'bool'),
    17: text('ipFamilyPolicy'),
    18: texts('clusterIPs'),
    19: texts('ipFamilies'),
    20: typed('allocateLoadBalancerNodePorts', 'given-bool'),
    21: text('loadBalancerClass'),
    22: text('internalTrafficPolicy'),
    23: text('trafficDistribution'),
  },
  ServicePort: {
    1: text('name'),
    2: text('protocol'),
    3: typed('port', 'int'),
    4: typed('targetPort', 'int-or-string'),
    5: typed('nodePort', 'int'),
    6: text('appProtocol'),
  },
  Role: { 1: one('metadata', 'ObjectMeta'), 2: many('rules', 'PolicyRule') },
  ClusterRole: {
    1: one('metadata', 'ObjectMeta'),
    2: many('rules', 'PolicyRule'),
    3: one('aggregationRule', 'AggregationRule'),
  },
  PolicyRule: {
    1: texts('verbs'),
    2: texts('apiGroups'),
    3: texts('resources'),
    4: texts('resourceNames'),
    5: texts('nonResourceURLs'),
  },
  AggregationRule: { 1: many('clusterRoleSelectors', 'LabelSelector') },
  RoleBinding: {
    1: one('metadata', 'ObjectMeta'),
    2: many('subjects', 'Subject'),
    3: one('roleRef', 'RoleRef'),
  },
  ClusterRoleBinding: {
    1: one('metadata', 'ObjectMeta'),
    2: many('subjects', 'Subject'),
    3: one('roleRef', 'RoleRef'),
  },
  Subject: { 1: text('kind'), 2: text('apiGroup'), 3: text('name'), 4: text('namespace') },
  RoleRef: { 1: text('apiGroup'), 2: text('kind'), 3: text('name') },
  SelfSubjectAccessReview: { 1: one('metadata', 'ObjectMeta'), 2: one('spec', 'AccessReviewSpec') },
  SubjectAccessReview: { 1: one('metadata', 'ObjectMeta'), 2: one('spec', 'AccessReviewSpec') },
  LocalSubjectAccessReview: {
    1: one('metadata', 'ObjectMeta'),
    2: one('spec', 'AccessReviewSpec'),
  },
  AccessReviewSpec: {
    1: one('resourceAttributes', 'ResourceAttributes'),
    2: one('nonResourceAttributes', 'NonResourceAttributes'),
    3: text('user'),
    4: texts('groups'),
    5: typed('extra', { map: 'strings' }),
    6: text('uid'),
  },
  ResourceAttributes: {
    1: text('namespace'),
    2: text('verb'),
    3: text('group'),
    4: text('version'),
    5: text('resource'),
    6: text('subresource'),
    7: text('name'),
  },
  NonResourceAttributes: { 1: text('path'), 2: text('verb') },
  SelfSubjectRulesReview: { 1: one('metadata', 'ObjectMeta'), 2: one('spec', 'RulesReviewSpec') },
  RulesReviewSpec: { 1: text('namespace') },
  SelfSubjectReview: { 1: one('metadata', 'ObjectMeta') },
  TokenReview: { 1: one('metadata', 'ObjectMeta'), 2: one('spec', 'TokenReviewSpec') },
  TokenReviewSpec: { 1: text('token'), 2: texts('audiences') },
  TokenRequest: { 1: one('metadata', 'ObjectMeta'), 2: one('spec', 'TokenRequestSpec') },
  TokenRequestSpec: {
    1: texts('audiences'),
    3: one('boundObjectRef', 'BoundObjectReference'),
    4: typed('expirationSeconds', 'given-int'),
  },
  BoundObjectReference: {
    1: text('kind'),
    2: text('apiVersion'),
    3: text('name'),
    4: text('uid'),
  },
} satisfies Readonly<Record<string, Message>>;

export type MessageName =
  | 'ObjectMeta'
  | 'OwnerReference'
  | 'DeleteOptions'
  | 'Preconditions'
  | 'LabelSelector'
  | 'LabelSelectorRequirement'
  | 'Namespace'
  | 'NamespaceSpec'
  | 'ConfigMap'
  | 'Secret'
  | 'ServiceAccount'
  | 'ObjectReference'
  | 'LocalObjectReference'
  | 'Service'
  | 'ServiceSpec'
  | 'ServicePort'
  | 'Role'
  | 'ClusterRole'
  | 'PolicyRule'
  | 'AggregationRule'
  | 'RoleBinding'
  | 'ClusterRoleBinding'
  | 'Subject'
  | 'RoleRef'
  | 'SelfSubjectAccessReview'
  | 'SubjectAccessReview'
  | 'LocalSubjectAccessReview'
  | 'AccessReviewSpec'
  | 'ResourceAttributes'
  | 'NonResourceAttributes'
  | 'SelfSubjectRulesReview'
  | 'RulesReviewSpec'
  | 'SelfSubjectReview'
  | 'TokenReview'
  | 'TokenReviewSpec'
  | 'TokenRequest'
  | 'TokenRequestSpec'
  | 'BoundObjectReference';
