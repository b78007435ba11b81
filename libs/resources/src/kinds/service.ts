import { z } from 'zod'
import { type Annotation, annotations } from '../annotations.ts'
import { httpUrl, labelName, optional, subdomainName } from '../fields.ts'
import { metadata, noStatus } from '../metadata.ts'
import { defineKind, type Identity } from './kind.ts'

/** A name for a URL: what a `ref` of kind Service means outside a cluster. */
export interface Service extends Identity {
  readonly kind: 'Service'
  readonly url: string
}

const url: Annotation<string> = (text) => {
  const problem = httpUrl.safeParse(text).error?.issues[0]?.message
  return problem === undefined ? { value: text } : { problem }
}

/** What a cluster does with a Service; the URL says it all here, so a manifest written for a cluster may keep these. */
const CLUSTER_FIELDS = [
  'allocateLoadBalancerNodePorts',
  'clusterIP',
  'clusterIPs',
  'externalIPs',
  'externalTrafficPolicy',
  'healthCheckNodePort',
  'internalTrafficPolicy',
  'ipFamilies',
  'ipFamilyPolicy',
  'loadBalancerClass',
  'loadBalancerIP',
  'loadBalancerSourceRanges',
  'ports',
  'publishNotReadyAddresses',
  'selector',
  'sessionAffinity',
  'sessionAffinityConfig',
  'trafficDistribution',
  'type',
]

/** Source: Kubernetes core/v1 ServiceSpec. */
export const service = defineKind({
  apiVersion: 'v1',
  kind: 'Service',
  schema: z
    .strictObject({
      apiVersion: z.string(),
      kind: z.string(),
      metadata: metadata(labelName, annotations({ 'sluice.dev/url': url })),
      spec: optional(
        z.strictObject({
          externalName: optional(subdomainName),
          ...Object.fromEntries(CLUSTER_FIELDS.map((field) => [field, z.unknown().optional()])),
        }),
      ),
      status: noStatus,
    })
    .superRefine(({ metadata, spec }, context) => {
      if (metadata.annotations?.['sluice.dev/url'] === undefined && spec?.externalName === undefined)
        context.addIssue({
          code: 'custom',
          path: ['metadata', 'annotations', 'sluice.dev/url'],
          message: 'is required outside a cluster, or spec.externalName: nothing else says where the Service is',
        })
    }),
  toResource: ({ metadata, spec }, identity): Service => ({
    ...identity,
    kind: 'Service',
    url: metadata.annotations?.['sluice.dev/url'] ?? `http://${spec?.externalName}/`,
  }),
})
