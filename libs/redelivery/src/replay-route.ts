import { checkQuery } from '@sluice/errors'
import { filterFields, filterSpec } from '@sluice/resources'
import { z } from 'zod'
import { answerOf } from './job-routes.ts'
import type { JobFacts, Jobs } from './jobs.ts'
import { checkStart, entryAt, type LogReader, type Window } from './log-pages.ts'
import { DEFAULT_RATE, Pace } from './pace.ts'
import { triggerOf } from './places.ts'
import { type ReplayDeps, replay } from './replay.ts'
import { MAX_BODY_BYTES, type Request, type Route, rate, readBody, requestInvalid, time } from './request.ts'
import { selecting } from './selection.ts'

/** One end of a window. */
const end = z
  .strictObject({
    time: time.optional(),
    position: z
      .string()
      .regex(/^[\w-]{1,100}$/, 'must be a position as the journal or another answer shows it')
      .optional(),
  })
  .refine((given) => (given.time === undefined) !== (given.position === undefined), {
    error: 'must have a time or a position, and not both',
  })

const replayBody = z.strictObject({
  from: end,
  to: end.optional(),
  ...filterFields,
  rate,
  dryRun: z.boolean().default(false),
  id: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'must be lower-case letters, digits and "-", at most 64')
    .optional(),
})

export interface ReplayRouteDeps extends ReplayDeps {
  readonly jobs: Jobs
  readonly newId: () => string
}

/** `POST /replay/<namespace>/<broker>/<trigger>`: what the log holds of a window, once more for one trigger. */
export function replayRoute(deps: ReplayRouteDeps): Route {
  return {
    method: 'POST',
    path: '/replay/:namespace/:broker/:trigger',
    access: { verb: 'write', resource: 'triggers' },
    maxBodyBytes: MAX_BODY_BYTES,
    async answer({ path: { namespace = '', broker = '', trigger = '' }, query, body }: Request) {
      checkQuery(query, [])
      const asked = readBody(replayBody, body)
      const { log, route, delivery } = triggerOf(deps.contract(), { namespace, broker, trigger })
      const isAsked = selecting(filterSpec(asked.filter, asked.filters))
      const isForTrigger = selecting(route.filter)
      const window = await windowOf(asked, log.channel, deps)
      const { dryRun: isDryRun, rate: perSecond = DEFAULT_RATE, id = deps.newId() } = asked
      const facts: JobFacts = { id, kind: 'replay', namespace, broker, trigger, isDryRun, rate: perSecond }
      const { ended } = deps.jobs.start(facts, (tally, signal) => {
        const pace = new Pace(perSecond, deps, tally, signal)
        const selects = (event: Parameters<typeof isAsked>[0]) => isForTrigger(event) && isAsked(event)
        return replay({ facts, log, delivery, window, selects }, deps, { pace, tally, signal })
      })
      return answerOf(facts, ended, deps)
    },
  }
}

const NEVER = new AbortController().signal

/** Ends now at the latest, so that no replay runs after what it brings about. Rejects with REQUEST_INVALID, WINDOW_CUT. */
async function windowOf(
  { from, to }: z.infer<typeof replayBody>,
  channel: string,
  { driver, clock }: { readonly driver: LogReader; readonly clock: ReplayDeps['clock'] },
): Promise<Window> {
  const first = from.position === undefined ? undefined : await entryAt(driver, channel, from.position, NEVER)
  const last = to?.position === undefined ? undefined : await entryAt(driver, channel, to.position, NEVER)
  const startsAt = first?.storedAt ?? (from.time as number)
  const endsAt = last === undefined ? (to?.time ?? clock.now()) : last.storedAt + 1
  if (endsAt < startsAt) throw requestInvalid(['to: lies before from'])
  if (first === undefined) await checkStart(driver, channel, new Date(startsAt))
  return {
    from: first?.position ?? new Date(startsAt),
    before: new Date(Math.min(endsAt, clock.now() + 1)),
    upTo: last?.position,
  }
}
