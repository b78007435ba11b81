import type { ChannelDriver, Parked } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import type { CloudEvent } from '@sluice/cloudevents'
import { logOf } from '@sluice/contract'
import { EventingError, queryInvalid } from '@sluice/errors'
import { lineOf, type ParkedLine, type ParkedView, viewOf } from './parked-view.ts'
import { ownersOf, type Place, placesOf, type Rows, readKey } from './places.ts'

/** Of whole events, up to the largest: few at a time. */
export const PARKED_PAGE = 32
/** One request looks at no more, and for no longer; the next goes on. */
const MAX_EXAMINED = 10_000
const MAX_MS = 1_000
/** Characters of JSON in one answer; one event is told in any case. */
const MAX_ANSWER_CHARACTERS = 4_194_304

export interface ListDeps {
  readonly driver: Pick<ChannelDriver, 'parked' | 'parkedCount'>
  readonly contract: () => Rows & { readonly revision: number }
  readonly clock: Clock
}

export interface ListQuestion {
  readonly namespace: string
  readonly broker: string
  readonly trigger?: string | undefined
  readonly reason?: string | undefined
  readonly id?: string | undefined
  readonly selects: (event: CloudEvent) => boolean
  readonly limit: number
  /** The `next` of the last answer. */
  readonly after?: string | undefined
}

export interface ListAnswer {
  readonly namespace: string
  readonly broker: string
  /** Parked there now, whether asked for or not. */
  readonly parked: number
  /** By trigger, oldest first. */
  readonly events: readonly ParkedLine[]
  /** There may be more: ask again with this as `after`. */
  readonly next?: string
}

/** Parked events of a broker or trigger, a page at a time. Rejects with BROKER_UNKNOWN, TRIGGER_UNKNOWN, QUERY_INVALID. */
export async function listParked(question: ListQuestion, { driver, contract, clock }: ListDeps): Promise<ListAnswer> {
  const { namespace, broker, limit } = question
  const rows = contract()
  const log = logOf(rows, namespace, broker)
  const owners = ownersOf(rows, log)
  const places = placesOf(rows, log, question.trigger)
  const counts = await Promise.all(places.map(({ channel, queue }) => driver.parkedCount(channel, queue)))
  const answer = { namespace, broker, parked: counts.reduce((sum, count) => sum + count, 0) }
  const events: ParkedLine[] = []
  const endsAt = clock.monotonic() + MAX_MS
  let examined = 0
  let characters = 0
  const start = startOf(question.after, places)
  let { cursor } = start
  const pageOf = (place: Place) =>
    driver.parked(place.channel, { ...ofQueue(place), ...behind(cursor), limit: PARKED_PAGE })
  for (const place of places.slice(start.place)) {
    for (let page = await pageOf(place); page.length > 0; page = await pageOf(place)) {
      for (const each of page) {
        cursor = each.cursor
        examined++
        if (!isAsked(each, question)) continue
        const line = lineOf(each, place, owners.get(each.queue))
        events.push(line)
        characters += JSON.stringify(line).length
        if (events.length >= limit || characters >= MAX_ANSWER_CHARACTERS)
          return { ...answer, events, next: nextOf(place, each.cursor) }
      }
      if (cursor !== undefined && (examined >= MAX_EXAMINED || clock.monotonic() > endsAt))
        return { ...answer, events, next: nextOf(place, cursor) }
    }
    cursor = undefined
  }
  return { ...answer, events }
}

/** One parked event with all that is known of it. Rejects with BROKER_UNKNOWN, PARKED_UNKNOWN. */
export async function showParked(
  { namespace, broker, key }: { readonly namespace: string; readonly broker: string; readonly key: string },
  { driver, contract }: ListDeps,
): Promise<ParkedView> {
  const rows = contract()
  const log = logOf(rows, namespace, broker)
  const read = readKey(key)
  const place = placesOf(rows, log, undefined).find(({ where }) => where === read?.where)
  const [found] = place && read ? await driver.parked(place.channel, { positions: [read.position] }) : []
  if (place !== undefined && found !== undefined) return viewOf(found, place, ownersOf(rows, log).get(found.queue))
  const message = `no event is parked as ${JSON.stringify(key.slice(0, 80))} under broker ${namespace}/${broker}`
  throw new EventingError({ code: 'PARKED_UNKNOWN', key }, message)
}

export function ofQueue({ queue }: Place): { readonly queue?: string } {
  return queue === undefined ? {} : { queue }
}

export function behind(cursor: string | undefined): { readonly after?: string } {
  return cursor === undefined ? {} : { after: cursor }
}

function isAsked({ event, reason }: Parked, question: ListQuestion): boolean {
  if (question.reason !== undefined && reason !== question.reason) return false
  if (question.id !== undefined && event.attributes.get('id') !== question.id) return false
  return question.selects(event)
}

function nextOf({ where, queue = '' }: Place, cursor: string): string {
  return Buffer.from(JSON.stringify([where, queue, cursor])).toString('base64url')
}

function startOf(after: string | undefined, places: readonly Place[]): { place: number; cursor: string | undefined } {
  if (after === undefined) return { place: 0, cursor: undefined }
  const [where, queue, cursor] = partsOf(after)
  const place = places.findIndex((each) => each.where === where && (each.queue ?? '') === queue)
  if (place >= 0 && typeof cursor === 'string' && /^\d{1,16}$/.test(cursor)) return { place, cursor }
  throw queryInvalid('after', 'must be the next of an answer to the same question: list again from the beginning')
}

function partsOf(after: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'))
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}
