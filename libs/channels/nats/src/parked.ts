import type { Parked, ParkedQuery, Position, StoredEntry } from '@sluice/channel'
import type { Link } from './link.ts'
import { decodeMessage, encodeMessage } from './message.ts'
import { type ChannelNames, tokenOf } from './names.ts'
import { countOf, type Received, scan } from './reader.ts'
import { deleteAt, entryAt, store } from './store.ts'

export interface ParkedDeps {
  readonly link: Link
  readonly names: ChannelNames
}

const NOBODY = '*'

/** Parked entries in the order of parking. */
export async function listParked(deps: ParkedDeps, query: ParkedQuery): Promise<readonly Parked[]> {
  const { link, names } = deps
  if ('positions' in query) return parkedAt(deps, query.positions)
  const parked: Parked[] = []
  const after = Number(query.after ?? 0) || 0
  const from = { seq: after + 1 }
  for await (const each of scan(
    link,
    { stream: names.aside, filter: parkedIn(names, query.queue), from },
    query.limit,
  )) {
    const found = parkedOf(each)
    if (found !== undefined) parked.push(found)
  }
  return parked
}

async function parkedAt({ link, names }: ParkedDeps, positions: readonly Position[]): Promise<readonly Parked[]> {
  const found = await someAtATime(positions, async (position) => {
    const filter = names.parked(NOBODY, '*', tokenOf(position))
    for await (const each of scan(link, { stream: names.aside, filter, from: { seq: 1 } }, 1)) return parkedOf(each)
    return undefined
  })
  return found.filter((each) => each !== undefined)
}

/** Each takes a consumer of the server's for a moment, of which a stream has a thousand at most. */
async function someAtATime<T>(positions: readonly Position[], work: (position: Position) => Promise<T>): Promise<T[]> {
  const done: T[] = []
  for (let i = 0; i < positions.length; i += MOST_LOOKED_FOR) {
    done.push(...(await Promise.all(positions.slice(i, i + MOST_LOOKED_FOR).map(work))))
  }
  return done
}

export function countParked({ link, names }: ParkedDeps, queue: string | undefined): Promise<number> {
  return countOf(link, { stream: names.aside, filter: parkedIn(names, queue), from: { seq: 1 } })
}

function parkedIn(names: ChannelNames, queue: string | undefined): string {
  return names.parked(NOBODY, queue === undefined ? '*' : tokenOf(queue), '*')
}

/** Puts parked entries where their lane's owner finds them, as attempt 1. Answers how many were there. */
export async function redriveParked(deps: ParkedDeps, positions: readonly Position[]): Promise<number> {
  const { link, names } = deps
  const done = await Promise.all(
    (await placesOf(deps, positions)).map(async ({ seq, subject }) => {
      const entry = await entryAt(link, names.aside, seq)
      if (entry?.place === undefined) return false
      const { envelope, queue, dedupKey, place } = entry
      const [subscription = '', token = '', id = ''] = subject.split('.').slice(-3)
      const again = { id: place.id, lane: place.lane, storedAt: place.storedAt, handOuts: 0, due: 0 }
      const { headers, payload } = encodeMessage(
        { ...envelope, queue, ...(dedupKey === undefined ? {} : { dedupKey }) },
        again,
      )
      await store(link, names.redriven(subscription, place.lane, token, id), payload, headers)
      return deleteAt(link, names.aside, seq)
    }),
  )
  return done.filter(Boolean).length
}

export async function purgeParked(
  deps: ParkedDeps,
  which: { readonly positions: readonly Position[] } | { readonly queue?: string; readonly parkedBefore: Date },
): Promise<number> {
  const { link, names } = deps
  const places: number[] = []
  if ('positions' in which) for (const { seq } of await placesOf(deps, which.positions)) places.push(seq)
  else {
    const filter = parkedIn(names, which.queue)
    const before = which.parkedBefore.getTime()
    for await (const each of scan(link, { stream: names.aside, filter, from: { seq: 1 }, headersOnly: true })) {
      if (each.storedAt >= before) break
      places.push(each.seq)
    }
  }
  let count = 0
  for (let i = 0; i < places.length; i += MOST_DELETES) {
    const page = places.slice(i, i + MOST_DELETES).map((seq) => deleteAt(link, names.aside, seq))
    count += (await Promise.all(page)).filter(Boolean).length
  }
  return count
}

const MOST_DELETES = 256
const MOST_LOOKED_FOR = 64

/** Where parked entries lie; those that are not parked are left out. */
async function placesOf(
  { link, names }: ParkedDeps,
  positions: readonly Position[],
): Promise<{ seq: number; subject: string }[]> {
  const found = await someAtATime(positions, async (position) => {
    const filter = names.parked(NOBODY, '*', tokenOf(position))
    const reading = { stream: names.aside, filter, from: { seq: 1 }, headersOnly: true }
    for await (const { seq, message } of scan(link, reading, 1)) return { seq, subject: message.subject }
    return undefined
  })
  return found.filter((each) => each !== undefined)
}

function parkedOf({ seq, message, storedAt: parkedAt }: Received): Parked | undefined {
  let entry: StoredEntry
  try {
    entry = decodeMessage(message.headers ?? [], message.data)
  } catch {
    return undefined
  }
  const { envelope, queue, attempt, note, place } = entry
  if (place === undefined) return undefined
  const storedAt = place.storedAt === 0 ? parkedAt : place.storedAt
  const { id, reason = '' } = place
  return { ...envelope, position: id, queue, storedAt, reason, parkedAt, attempt, note, cursor: String(seq) }
}
