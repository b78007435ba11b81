import { badRequest } from '../store/refusals.ts'
import type { Authorize } from './authorize.ts'

/** Questions that are asked by creating them; nothing of them is kept. */
export const REVIEWS = [
  {
    ...{ group: 'authorization.k8s.io', version: 'v1', kind: 'SelfSubjectAccessReview' },
    ...{ plural: 'selfsubjectaccessreviews', singular: 'selfsubjectaccessreview' },
  },
  {
    ...{ group: 'authorization.k8s.io', version: 'v1', kind: 'SelfSubjectRulesReview' },
    ...{ plural: 'selfsubjectrulesreviews', singular: 'selfsubjectrulesreview' },
  },
] as const

type Fields = Readonly<Record<string, unknown>>

/** What `kubectl auth can-i` asks. Throws BadRequest. Source: Kubernetes, authorization/v1. */
export function reviewed(plural: string, given: unknown, authorize: Authorize): object | undefined {
  const review = REVIEWS.find((each) => each.plural === plural)
  if (review === undefined) return undefined
  const { spec } = (given ?? {}) as Fields
  if (typeof spec !== 'object' || spec === null) throw badRequest(`spec of a ${review.kind} must be a map`)
  const header = { kind: review.kind, apiVersion: `${review.group}/${review.version}`, metadata: {}, spec }
  if (review.kind === 'SelfSubjectRulesReview') return { ...header, status: allRules(authorize, spec as Fields) }
  const { resourceAttributes } = spec as Fields
  // what is no resource is discovery and versions, which tell nothing of anybody
  if (typeof resourceAttributes !== 'object' || resourceAttributes === null)
    return { ...header, status: { allowed: true } }
  const text = (name: string) => String((resourceAttributes as Fields)[name] ?? '')
  const reason = authorize({
    ...{ verb: text('verb'), group: text('group'), resource: text('resource') },
    ...(text('namespace') !== '' && { namespace: text('namespace') }),
    ...(text('name') !== '' && { name: text('name') }),
    ...(text('subresource') !== '' && { subresource: text('subresource') }),
  })
  return { ...header, status: { allowed: reason === undefined, ...(reason !== undefined && { reason }) } }
}

function allRules(authorize: Authorize, { namespace }: Fields): object {
  const where = typeof namespace === 'string' && namespace !== '' ? { namespace } : {}
  const isAll = authorize({ verb: '*', group: '*', resource: '*', ...where }) === undefined
  const resourceRules = isAll ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] : []
  return { resourceRules, nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['*'] }], incomplete: !isAll }
}
