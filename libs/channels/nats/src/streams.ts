import type { ChannelKind, ChannelOptions } from '@sluice/channel'
import { DEDUP_WINDOW_MS, type NatsOptions } from './config.ts'
import { conflict, isFault, STREAM_NAME_IN_USE, STREAM_NOT_FOUND } from './errors.ts'
import type { Link } from './link.ts'
import { type ChannelNames, stateStream, stateSubjects } from './names.ts'

/** What a channel was made as; kept in its stream's description, which servers of every version have. */
interface Made {
  readonly kind: ChannelKind
  readonly lanes: number
  readonly subscriptions: readonly string[]
}

interface StreamInfo {
  readonly config: { readonly description?: string; readonly num_replicas: number }
  readonly state: StreamState
}

export interface StreamState {
  readonly messages: number
  readonly bytes: number
  readonly first_seq: number
  readonly last_seq: number
}

interface StreamConfig {
  readonly name: string
  readonly subjects: readonly string[]
  readonly max_msgs_per_subject?: number
}

const NS_PER_MS = 1_000_000

/** Where lanes, members and cursors are kept: the last message of each subject. */
export async function ensureState(link: Link, prefix: string): Promise<void> {
  const config = { ...base(link.options), name: stateStream(prefix), subjects: [stateSubjects(prefix)] }
  await create(link, { ...config, max_msgs_per_subject: 1 })
}

/** Makes the channel's two streams or finds them. Throws CHANNEL_CONFLICT. */
export async function createStreams(link: Link, channel: string, names: ChannelNames, options: ChannelOptions) {
  const { kind, lanes, subscriptions } = options
  const found = await streamInfo(link, names.events)
  if (found !== undefined) {
    adopt(channel, found, options)
    await Promise.all([replicate(link, names.events), replicate(link, names.aside)])
    return
  }
  const made: Made = { kind, lanes, subscriptions }
  const common = { ...base(link.options), description: JSON.stringify(made) }
  // The stream of events last: it is what tells that the channel exists.
  await create(link, { ...common, name: names.aside, subjects: [names.allAside], max_msgs_per_subject: 1 })
  const isNew = await create(link, { ...common, name: names.events, subjects: [names.allEvents] })
  if (isNew) return
  const others = await streamInfo(link, names.events)
  if (others !== undefined) adopt(channel, others, options)
}

export async function removeStreams(link: Link, prefix: string, names: ChannelNames): Promise<void> {
  for (const stream of [names.events, names.aside]) {
    await link.api(`STREAM.DELETE.${stream}`).catch((error: unknown) => {
      if (!isFault(error, STREAM_NOT_FOUND)) throw error
    })
  }
  await link.api(`STREAM.PURGE.${stateStream(prefix)}`, { filter: names.allState })
}

export async function streamState(link: Link, stream: string): Promise<StreamState | undefined> {
  return (await streamInfo(link, stream))?.state
}

async function streamInfo(link: Link, stream: string): Promise<StreamInfo | undefined> {
  try {
    return await link.api<StreamInfo>(`STREAM.INFO.${stream}`)
  } catch (error) {
    if (isFault(error, STREAM_NOT_FOUND)) return undefined
    throw error
  }
}

/** Answers false when somebody else made it a moment ago, or made it otherwise. */
async function create(link: Link, config: StreamConfig): Promise<boolean> {
  try {
    await link.api(`STREAM.CREATE.${config.name}`, config)
    return true
  } catch (error) {
    if (!isFault(error, STREAM_NAME_IN_USE)) throw error
    await replicate(link, config.name)
    return false
  }
}

/** One that was made with fewer copies than are declared now gets them; one with more keeps them. */
async function replicate(link: Link, name: string): Promise<void> {
  const { replicas = 1 } = link.options
  const found = await streamInfo(link, name)
  if (found === undefined || found.config.num_replicas >= replicas) return
  await link.api(`STREAM.UPDATE.${name}`, { ...found.config, num_replicas: replicas })
}

function base({ replicas = 1 }: NatsOptions) {
  return {
    retention: 'limits',
    storage: 'file',
    discard: 'new',
    num_replicas: replicas,
    max_consumers: -1,
    max_msgs: -1,
    max_bytes: -1,
    max_age: 0,
    duplicate_window: DEDUP_WINDOW_MS * NS_PER_MS,
    allow_direct: true,
  }
}

function adopt(channel: string, { config }: StreamInfo, { kind, lanes, subscriptions }: ChannelOptions): void {
  const made = madeAs(config.description)
  if (made === undefined) throw conflict(channel, 'its stream was not made by this driver')
  if (made.kind !== kind) throw conflict(channel, `it is a ${made.kind}`)
  if (made.lanes !== lanes) throw conflict(channel, `it has ${made.lanes} lanes, which are fixed at creation`)
  if (subscriptions.some((name) => !made.subscriptions.includes(name))) {
    throw conflict(channel, `its subscriptions are ${made.subscriptions.join(', ')}`)
  }
}

function madeAs(description = ''): Made | undefined {
  try {
    return JSON.parse(description) as Made
  } catch {
    return undefined
  }
}
