import type { Msg } from '@nats-io/transport-node'
import { type ChannelOptions, REMEMBERED_KEYS } from '@sluice/channel'
import { cursorOf } from './backlog.ts'
import type { Link } from './link.ts'
import type { ChannelNames } from './names.ts'
import { countOf, scan } from './reader.ts'
import { deleteAt, firstFrom } from './store.ts'
import { type StreamState, streamState } from './streams.ts'

export interface RetentionDeps {
  readonly link: Link
  readonly names: ChannelNames
  readonly stateStream: string
  readonly options: ChannelOptions
}

/** By size, this much is cut by the mean before the rest is looked at one by one. */
const BY_MEAN = 0.9
const ONE_BY_ONE = 1_000
/** What the server adds to a message in its file. */
const RECORD_BYTES = 30

/**
 * Cuts the stream of a channel up to what every subscription has passed by its stored cursors: of a log what its
 * retention lets go, of a queue all but the last, whose keys a successor wants to know.
 */
export async function retain(deps: RetentionDeps): Promise<void> {
  const { link, names, options } = deps
  const state = await streamState(link, names.events)
  if (state === undefined || state.messages === 0) return
  const passed = await passedIn(deps, state)
  if (passed < state.first_seq) return
  const upTo =
    options.kind === 'queue' ? passed - REMEMBERED_KEYS : await byRetention(deps, state, passed, options.retention)
  if (upTo < state.first_seq) return
  await cut(link, names.events, upTo, state)
}

/** The last place that every lane of every subscription has passed. */
async function passedIn(deps: RetentionDeps, state: StreamState): Promise<number> {
  const { link, names, stateStream, options } = deps
  let passed = state.last_seq
  for (const subscription of options.subscriptions) {
    const lanes = Array.from({ length: options.lanes }, async (_, lane) => {
      const cursor = await cursorOf(lane, { link, names, stateStream, subscription })
      const first = cursor.open[0]?.seq
      if (first !== undefined) return first - 1
      // Nothing open: passed up to the first message behind what was handed out.
      const filter = options.kind === 'log' ? names.lane(lane) : names.queue(lane, '*')
      return firstBehind(link, { stream: names.events, filter, seq: cursor.handed + 1 })
    })
    for (const each of await Promise.all(lanes)) passed = Math.min(passed, each ?? state.last_seq)
  }
  return passed
}

/** The place before the first matching message from `seq` on; undefined if there is none. */
async function firstBehind(
  link: Link,
  { stream, filter, seq }: { stream: string; filter: string; seq: number },
): Promise<number | undefined> {
  const atLeader = await firstFrom(link, stream, filter, seq)
  if (atLeader !== undefined) return atLeader - 1
  for await (const each of scan(link, { stream, filter, from: { seq }, headersOnly: true }, 1)) return each.seq - 1
  return undefined
}

async function byRetention(
  { link, names }: RetentionDeps,
  state: StreamState,
  passed: number,
  retention: ChannelOptions['retention'],
): Promise<number> {
  if (retention === undefined) return 0
  const { maxAgeMs, maxBytes } = retention
  const oldest = new Date(link.options.clock.now() - maxAgeMs)
  const filter = names.allEvents
  const young = { stream: names.events, filter, from: { time: new Date(Math.max(0, oldest.getTime())) } }
  const kept = await countOf(link, young)
  let byAge = state.last_seq
  if (kept > 0) {
    byAge = 0
    for await (const each of scan(link, { ...young, headersOnly: true }, 1)) byAge = each.seq - 1
  }
  return Math.min(passed, Math.max(byAge, await bySize(link, names, state, maxBytes)))
}

async function bySize(link: Link, names: ChannelNames, state: StreamState, maxBytes: number): Promise<number> {
  let excess = state.bytes - maxBytes
  if (excess <= 0) return 0
  const mean = state.bytes / state.messages
  const count = Math.floor((excess / mean) * BY_MEAN)
  if (count > ONE_BY_ONE) return state.first_seq + count - 1
  let upTo = 0
  const all = { stream: names.events, filter: names.allEvents, from: { seq: 1 } }
  for await (const { seq, message } of scan(link, all, 2 * ONE_BY_ONE)) {
    excess -= sizeOf(message)
    upTo = seq
    if (excess <= 0) break
  }
  return upTo
}

function sizeOf({ subject, headers, data }: Msg): number {
  return RECORD_BYTES + subject.length + (headers?.toString().length ?? 0) + data.length
}

/**
 * Up to a place, which stays below the newest: a purge that covers everything may, on older servers, take what is being
 * stored at the same moment along. The newest goes alone.
 */
async function cut(link: Link, stream: string, upTo: number, state: StreamState): Promise<void> {
  const seq = Math.min(upTo + 1, state.last_seq)
  if (seq > 1 && seq > state.first_seq) await link.api(`STREAM.PURGE.${stream}`, { seq })
  if (upTo >= state.last_seq) await deleteAt(link, stream, state.last_seq)
}
