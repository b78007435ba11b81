import { type Clock, sleep } from '@sluice/clock'
import { checkQuery } from '@sluice/errors'
import type { JobFacts, Jobs, JobView } from './jobs.ts'
import type { Request, Route } from './request.ts'

/** For what is over quickly the answer to the request is the end. */
const AWAITED_MS = 1_000

/** How jobs are looked at and ended. */
export function jobRoutes({ jobs }: { readonly jobs: Jobs }): readonly Route[] {
  const base = { maxBodyBytes: 1_024 } as const
  return [
    {
      ...base,
      method: 'GET',
      path: '/jobs/:namespace',
      access: { verb: 'read', resource: 'triggers' },
      async answer({ path: { namespace = '' }, query }: Request) {
        checkQuery(query, [])
        return { namespace, jobs: jobs.list(namespace) }
      },
    },
    {
      ...base,
      method: 'GET',
      path: '/jobs/:namespace/:id',
      access: { verb: 'read', resource: 'triggers' },
      async answer({ path: { namespace = '', id = '' }, query }: Request) {
        checkQuery(query, [])
        return jobs.find(namespace, id)
      },
    },
    {
      ...base,
      method: 'POST',
      path: '/jobs/:namespace/:id/cancel',
      access: { verb: 'write', resource: 'triggers' },
      async answer({ path: { namespace = '', id = '' }, query }: Request) {
        checkQuery(query, [])
        return jobs.cancel(namespace, id)
      },
    },
  ]
}

/** The job that was begun, as it stands when it has ended, or in a second. */
export async function answerOf(
  { namespace, id }: JobFacts,
  ended: Promise<void>,
  { jobs, clock }: { readonly jobs: Jobs; readonly clock: Clock },
): Promise<JobView> {
  const over = new AbortController()
  await Promise.race([ended, sleep(clock, AWAITED_MS, over.signal)])
  over.abort()
  return jobs.find(namespace, id)
}
