import type { Clock } from '@sluice/clock'
import { logOf } from '@sluice/contract'
import { checkQuery, limitOf, queryInvalid } from '@sluice/errors'
import { filterFields, filterSpec } from '@sluice/resources'
import { z } from 'zod'
import { answerOf } from './job-routes.ts'
import type { JobFacts, JobKind, Jobs } from './jobs.ts'
import { listParked, showParked } from './list-parked.ts'
import { DEFAULT_RATE, Pace } from './pace.ts'
import { namesakeOf, ownersOf, placesOf, type Rows, triggerUnknown } from './places.ts'
import { purge } from './purge.ts'
import { type ParkedJobDeps, redrive } from './redrive.ts'
import { MAX_BODY_BYTES, type Request, type Route, rate, readBody, time } from './request.ts'
import { selecting } from './selection.ts'

const MAX_KEYS = 1_000

const read = { verb: 'read', resource: 'triggers' } as const
const write = { verb: 'write', resource: 'triggers' } as const

/** Which parked events; a purge of all has to say so. */
const selectionFields = {
  trigger: z.string().optional(),
  keys: z
    .array(z.string().regex(/^[ql][\w-]{1,100}$/, 'must be a key as GET /parked shows it'))
    .min(1)
    .max(MAX_KEYS)
    .optional(),
  reason: z.string().optional(),
  parkedBefore: time.optional(),
  ...filterFields,
  all: z.literal(true).optional(),
  dryRun: z.boolean().default(false),
}

const WHICH = { error: 'must say which: keys, reason, parkedBefore, filter, filters, or "all": true' }

const redriveBody = z.strictObject({ ...selectionFields, rate }).refine(saysWhich, WHICH)
const selected = z.strictObject(selectionFields)
const purgeBody = selected.refine(saysWhich, WHICH)

export interface ParkedRoutesDeps extends ParkedJobDeps {
  readonly contract: () => Rows & { readonly revision: number }
  readonly clock: Clock
  readonly jobs: Jobs
  readonly newId: () => string
}

/** Listing, showing, redriving and purging what is parked under a broker. */
export function parkedRoutes(deps: ParkedRoutesDeps): readonly Route[] {
  const of = ({ namespace = '', broker = '', key = '' }: Request['path']) => ({ namespace, broker, key })
  return [
    {
      method: 'GET',
      path: '/parked/:namespace/:broker',
      access: read,
      maxBodyBytes: 1_024,
      answer: async ({ path, query }: Request) => listParked({ ...of(path), ...questionOf(query) }, deps),
    },
    {
      method: 'GET',
      path: '/parked/:namespace/:broker/:key',
      access: read,
      maxBodyBytes: 1_024,
      async answer({ path, query }: Request) {
        checkQuery(query, [])
        return showParked(of(path), deps)
      },
    },
    {
      method: 'POST',
      path: '/parked/:namespace/:broker/redrive',
      access: write,
      maxBodyBytes: MAX_BODY_BYTES,
      async answer({ path, query, body }: Request) {
        checkQuery(query, [])
        const { rate = DEFAULT_RATE, ...asked } = readBody(redriveBody, body)
        return begin('redrive', path, { ...asked, rate }, deps)
      },
    },
    {
      method: 'POST',
      path: '/parked/:namespace/:broker/purge',
      access: write,
      maxBodyBytes: MAX_BODY_BYTES,
      async answer({ path, query, body }: Request) {
        checkQuery(query, [])
        return begin('purge', path, readBody(purgeBody, body), deps)
      },
    },
  ]
}

type Asked = z.infer<typeof selected> & { readonly rate?: number | undefined }

async function begin(
  kind: Extract<JobKind, 'redrive' | 'purge'>,
  { namespace = '', broker = '' }: Request['path'],
  { trigger, keys, reason, parkedBefore, filter, filters, dryRun: isDryRun, rate: perSecond }: Asked,
  deps: ParkedRoutesDeps,
) {
  const { clock, jobs, newId } = deps
  const rows = deps.contract()
  const log = logOf(rows, namespace, broker)
  const places = placesOf(rows, log, trigger)
  if (kind === 'redrive' && trigger !== undefined && namesakeOf(ownersOf(rows, log), trigger) === undefined)
    throw triggerUnknown(namespace, trigger, 'to hand its events out again, this broker has in force no trigger')
  const selection = { keys, reason, parkedBefore, selects: selecting(filterSpec(filter, filters)) }
  const facts: JobFacts = {
    ...{ id: newId(), kind, namespace, broker, isDryRun },
    ...(trigger !== undefined && { trigger }),
    ...(perSecond !== undefined && { rate: perSecond }),
  }
  const { ended } = jobs.start(facts, (tally, signal) => {
    const pace = new Pace(perSecond ?? Number.POSITIVE_INFINITY, deps, tally, signal)
    return (kind === 'redrive' ? redrive : purge)({ facts, log, places, selection }, deps, { pace, tally })
  })
  return answerOf(facts, ended, { jobs, clock })
}

function questionOf(query: URLSearchParams) {
  checkQuery(query, ['trigger', 'reason', 'id', 'cesql', 'limit', 'after'])
  const cesql = query.get('cesql')
  return {
    trigger: query.get('trigger') ?? undefined,
    reason: query.get('reason') ?? undefined,
    id: query.get('id') ?? undefined,
    after: query.get('after') ?? undefined,
    limit: limitOf(query),
    selects: selecting(cesql === null ? {} : { filters: [{ cesql }] }, (problem) =>
      queryInvalid('cesql', problem.replace(/^\S+: /, '')),
    ),
  }
}

/** An empty filter is none: whoever forgot to fill it in must not purge everything. */
function saysWhich({ keys, reason, parkedBefore, filter, filters, all }: Asked): boolean {
  const spec = filterSpec(filter, filters)
  const isNarrow = spec.attributes !== undefined || spec.filters?.some((clause) => Object.keys(clause).length > 0)
  return isNarrow === true || [keys, reason, parkedBefore, all].some((each) => each !== undefined)
}
