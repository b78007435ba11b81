/**
 * Fields by number, of the messages that typed clients of Kubernetes send. A table: it may be long.
 * Source: Kubernetes, k8s.io/api and k8s.io/apimachinery generated.proto.
 */
export interface ProtobufField {
  readonly name: string
  readonly type: ScalarType | Message
  readonly of?: 'list' | 'map'
}

export type ScalarType = 'text' | 'bytes' | 'integer' | 'boolean' | 'time' | 'intOrText'
export type Message = Readonly<Record<number, ProtobufField>>

const one = (name: string, type: ProtobufField['type'] = 'text'): ProtobufField => ({ name, type })
const many = (name: string, type: ProtobufField['type'] = 'text'): ProtobufField => ({ name, type, of: 'list' })
const map = (name: string, type: ProtobufField['type'] = 'text'): ProtobufField => ({ name, type, of: 'map' })

const OWNER: Message = {
  ...{ 1: one('kind'), 3: one('name'), 4: one('uid'), 5: one('apiVersion') },
  ...{ 6: one('controller', 'boolean'), 7: one('blockOwnerDeletion', 'boolean') },
}
/** Without managedFields, which only an apply may not have, and an apply is never sent this way. */
const META: Message = {
  ...{ 1: one('name'), 2: one('generateName'), 3: one('namespace'), 5: one('uid'), 6: one('resourceVersion') },
  ...{ 7: one('generation', 'integer'), 8: one('creationTimestamp', 'time'), 9: one('deletionTimestamp', 'time') },
  ...{ 10: one('deletionGracePeriodSeconds', 'integer'), 11: map('labels'), 12: map('annotations') },
  ...{ 13: many('ownerReferences', OWNER), 14: many('finalizers') },
}
const metadata = one('metadata', META)
const REFERENCE: Message = {
  ...{ 1: one('kind'), 2: one('namespace'), 3: one('name'), 4: one('uid'), 5: one('apiVersion') },
  ...{ 6: one('resourceVersion'), 7: one('fieldPath') },
}
const PORT: Message = {
  ...{ 1: one('name'), 2: one('protocol'), 3: one('port', 'integer'), 4: one('targetPort', 'intOrText') },
  ...{ 5: one('nodePort', 'integer'), 6: one('appProtocol') },
}
const SERVICE_SPEC: Message = {
  ...{ 1: many('ports', PORT), 2: map('selector'), 3: one('clusterIP'), 4: one('type'), 5: many('externalIPs') },
  ...{ 7: one('sessionAffinity'), 8: one('loadBalancerIP'), 9: many('loadBalancerSourceRanges') },
  ...{ 10: one('externalName'), 11: one('externalTrafficPolicy'), 12: one('healthCheckNodePort', 'integer') },
  ...{ 13: one('publishNotReadyAddresses', 'boolean'), 17: one('ipFamilyPolicy'), 18: many('clusterIPs') },
  ...{ 19: many('ipFamilies'), 20: one('allocateLoadBalancerNodePorts', 'boolean'), 21: one('loadBalancerClass') },
  22: one('internalTrafficPolicy'),
}
const RESOURCE_ATTRIBUTES: Message = {
  ...{ 1: one('namespace'), 2: one('verb'), 3: one('group'), 4: one('version'), 5: one('resource') },
  ...{ 6: one('subresource'), 7: one('name') },
}
const ACCESS_REVIEW_SPEC: Message = {
  1: one('resourceAttributes', RESOURCE_ATTRIBUTES),
  2: one('nonResourceAttributes', { 1: one('path'), 2: one('verb') }),
}

/** By apiVersion and kind. */
export const MESSAGES: Readonly<Record<string, Message>> = {
  'v1 Namespace': {
    ...{ 1: metadata, 2: one('spec', { 1: many('finalizers') }), 3: one('status', { 1: one('phase') }) },
  },
  'v1 ConfigMap': { 1: metadata, 2: map('data'), 3: map('binaryData', 'bytes'), 4: one('immutable', 'boolean') },
  'v1 Secret': {
    ...{ 1: metadata, 2: map('data', 'bytes'), 3: one('type'), 4: map('stringData'), 5: one('immutable', 'boolean') },
  },
  'v1 Service': { 1: metadata, 2: one('spec', SERVICE_SPEC) },
  'v1 Event': {
    ...{ 1: metadata, 2: one('involvedObject', REFERENCE), 3: one('reason'), 4: one('message') },
    ...{ 5: one('source', { 1: one('component'), 2: one('host') }), 6: one('firstTimestamp', 'time') },
    ...{ 7: one('lastTimestamp', 'time'), 8: one('count', 'integer'), 9: one('type'), 10: one('eventTime', 'time') },
    11: one('series', { 1: one('count', 'integer'), 2: one('lastObservedTime', 'time') }),
    ...{ 12: one('action'), 13: one('related', REFERENCE), 14: one('reportingComponent') },
    15: one('reportingInstance'),
  },
  'authorization.k8s.io/v1 SelfSubjectAccessReview': { 1: metadata, 2: one('spec', ACCESS_REVIEW_SPEC) },
  'authorization.k8s.io/v1 SelfSubjectRulesReview': { 1: metadata, 2: one('spec', { 1: one('namespace') }) },
}

/** Has the same fields in every group: `meta.k8s.io/v1`, `v1`. */
export const DELETE_OPTIONS: Message = {
  1: one('gracePeriodSeconds', 'integer'),
  2: one('preconditions', { 1: one('uid'), 2: one('resourceVersion') }),
  ...{ 3: one('orphanDependents', 'boolean'), 4: one('propagationPolicy'), 5: many('dryRun') },
}
