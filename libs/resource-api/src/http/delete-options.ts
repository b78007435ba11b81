import type { DeleteOptions } from '../registry.ts'
import { badRequest } from '../store/refusals.ts'
import { defined, invalid, type Query } from './query.ts'

const POLICIES = ['Background', 'Foreground', 'Orphan'] as const

/** From the body or the query, the body counts. Throws BadRequest, Invalid. Source: metav1 DeleteOptions. */
export function deleteOptions(given: unknown, query: Query): DeleteOptions {
  const body = given ?? {}
  if (typeof body !== 'object' || Array.isArray(body)) throw badRequest('the body of a deletion must be DeleteOptions')
  const { kind, preconditions, propagationPolicy, orphanDependents, dryRun } = body as Readonly<Record<string, unknown>>
  if (kind !== undefined && kind !== 'DeleteOptions')
    throw badRequest(`the body of a deletion must be DeleteOptions, not ${JSON.stringify(kind).slice(0, 80)}`)
  const policy = propagationPolicy ?? query.oneOf('propagationPolicy', POLICIES) ?? undefined
  const orphan = orphanDependents ?? query.isSet('orphanDependents')
  if (policy !== undefined && orphan !== undefined && orphan !== null)
    throw invalid('propagationPolicy', 'orphanDependents and propagationPolicy cannot be both set')
  const dryRuns = dryRun ?? (query.isDryRun ? ['All'] : [])
  if (!Array.isArray(dryRuns) || dryRuns.some((each) => each !== 'All')) throw invalid('dryRun', 'must be ["All"]')
  return defined({
    preconditions: preconditionsOf(preconditions),
    propagationPolicy: policy === undefined ? policyOf(orphan) : known(policy),
    dryRun: dryRuns.length > 0 || undefined,
  })
}

function known(policy: unknown): (typeof POLICIES)[number] {
  const found = POLICIES.find((each) => each === policy)
  if (found === undefined) throw invalid('propagationPolicy', `must be one of ${POLICIES.join(', ')}`)
  return found
}

function policyOf(orphan: unknown): (typeof POLICIES)[number] | undefined {
  return orphan === true ? 'Orphan' : orphan === false ? 'Background' : undefined
}

function preconditionsOf(given: unknown): DeleteOptions['preconditions'] {
  if (given === undefined || given === null) return undefined
  if (typeof given !== 'object') throw badRequest('preconditions must be a map')
  const { uid, resourceVersion } = given as Readonly<Record<string, unknown>>
  for (const each of [uid, resourceVersion])
    if (each !== undefined && each !== null && typeof each !== 'string')
      throw badRequest('uid and resourceVersion of preconditions must be texts')
  return defined({ uid: (uid as string) ?? undefined, resourceVersion: (resourceVersion as string) ?? undefined })
}
