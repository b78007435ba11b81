import {
  type Backlog,
  type Beginning,
  type ChannelDriver,
  type ChannelOptions,
  type Entry,
  type Parked,
  type ParkedQuery,
  type Position,
  refuseWishes,
  type Stored,
} from '@sluice/channel'
import { EventingError } from '@sluice/errors'
import { Channel } from './channel.ts'
import {
  DEDUP_WINDOW_MS,
  DEFAULT_TIP_BYTES,
  DRIVER_NAME,
  type EmbeddedOptions,
  MAX_EVENT_BYTES,
  RETENTION_INTERVAL_MS,
} from './config.ts'
import { closed, isBusy, type StoreFault, unavailable, unknownChannel } from './errors.ts'
import type { Feed } from './feed.ts'
import { inThreadLink, type Link, StoreError, workerLink } from './link.ts'
import type { ChannelInfo, Request } from './protocol.ts'
import { Committer } from './publish.ts'

/** A step of retention, so that no commit waits long behind it; steps follow each other while there is more. */
const RETAIN_ROWS = 2_000
const RETAIN_PAUSE_MS = 20
const RELIEF_ROWS = 50_000
const MAX_NOTE_BYTES = 4096

/**
 * Opens the store in `dataDir` for this process alone. Rejects with DATA_DIR_IN_USE when another process has it and
 * DATA_DIR_UNUSABLE when it can't be made, written or read.
 */
export async function openEmbeddedDriver(options: EmbeddedOptions): Promise<ChannelDriver> {
  const { dataDir, clock, log } = options
  const link =
    dataDir === ':memory:'
      ? inThreadLink()
      : workerLink((error) => log.error({ error: String(error) }, 'the store thread ended'))
  try {
    const { taskId } = await link.ask<{ taskId: number }>({ op: 'open', dataDir, now: clock.now() })
    return new EmbeddedDriver(options, link, taskId)
  } catch (error) {
    await link.close()
    throw openFailure(dataDir, error)
  }
}

function openFailure(dataDir: string, error: unknown): unknown {
  if (!(error instanceof StoreError)) return error
  if (isBusy(error.fault)) {
    const text = `the data directory ${dataDir} is in use by another process: stop it, or set SLUICE_DATA_DIR to another folder`
    return new EventingError({ code: 'DATA_DIR_IN_USE', dataDir }, text)
  }
  const reason = error.fault.message
  return new EventingError(
    { code: 'DATA_DIR_UNUSABLE', dataDir, reason },
    `the data directory ${dataDir} can't be used: ${reason}`,
  )
}

class EmbeddedDriver implements ChannelDriver {
  readonly name = DRIVER_NAME
  readonly capabilities = {
    durable: 'disk',
    dedupWindowMs: DEDUP_WINDOW_MS,
    maxEventBytes: MAX_EVENT_BYTES,
    shared: false,
    readFromTime: true,
  } as const
  readonly #options: EmbeddedOptions
  readonly #link: Link
  readonly #committer: Committer
  readonly #creating = new Map<string, Promise<Channel>>()
  readonly #channels = new Map<string, Channel>()
  readonly #removing = new Map<string, Promise<void>>()
  readonly #taskId: number
  #retention: Disposable | undefined
  #isClosed = false

  constructor(options: EmbeddedOptions, link: Link, taskId: number) {
    this.#options = options
    this.#link = link
    this.#taskId = taskId
    this.#committer = new Committer({
      link,
      clock: options.clock,
      onFault: (fault) => this.#onFault(fault),
      onRecovery: () => options.log.info({}, 'the store takes events again'),
      relieve: () => this.#relieve(),
    })
    this.#scheduleRetention(RETENTION_INTERVAL_MS)
  }

  async create(name: string, options: ChannelOptions): Promise<void> {
    if (this.#isClosed) throw closed()
    refuseWishes(this, name, options)
    let creating = this.#creating.get(name)
    if (creating === undefined) {
      const removed = Promise.resolve(this.#removing.get(name)?.catch(() => undefined))
      creating = removed.then(() => this.#create(name, options))
      this.#creating.set(name, creating)
    }
    try {
      const channel = await creating
      channel.adopt(options)
    } finally {
      if (!this.#channels.has(name)) this.#creating.delete(name)
    }
  }

  async #create(name: string, options: ChannelOptions): Promise<Channel> {
    const { kind, lanes, subscriptions } = options
    const info = await this.#ask<ChannelInfo>({ op: 'create', channel: name, kind, lanes, subscriptions })
    const { clock, log, tipBytes = DEFAULT_TIP_BYTES } = this.#options
    const deps = { link: this.#link, committer: this.#committer, clock, log, tipBytes, taskId: this.#taskId }
    const channel = new Channel(info, deps)
    this.#channels.set(name, channel)
    return channel
  }

  async remove(name: string): Promise<void> {
    if (this.#isClosed) throw closed()
    const channel = this.#channels.get(name)
    this.#channels.delete(name)
    this.#creating.delete(name)
    const removing = Promise.resolve(this.#removing.get(name)).then(() => this.#remove(name, channel))
    this.#removing.set(name, removing)
    await removing.finally(() => this.#removing.get(name) === removing && this.#removing.delete(name))
  }

  /** What was accepted for the channel is written before it goes: afterwards its numbers may be given to another. */
  async #remove(name: string, channel: Channel | undefined): Promise<void> {
    if (channel !== undefined) {
      channel.close()
      await this.#committer.flush()
      for (const feed of channel.feeds.values()) this.#committer.forget(feed)
    }
    let isMore = true
    while (isMore) isMore = await this.#ask<boolean>({ op: 'remove', channel: name })
  }

  async publish(name: string, entries: readonly Entry[]): Promise<readonly Position[]> {
    const channel = this.#channel(name)
    for (const { event, note } of entries) {
      const bytes = (event.data?.length ?? 0) + (note?.length ?? 0)
      if (bytes <= MAX_EVENT_BYTES && (note?.length ?? 0) <= MAX_NOTE_BYTES) continue
      const maxBytes = MAX_EVENT_BYTES
      const text = `an entry of ${bytes} bytes is too large for the store`
      throw new EventingError({ code: 'CHANNEL_EVENT_TOO_LARGE', driver: DRIVER_NAME, bytes, maxBytes }, text)
    }
    return channel.publish(entries)
  }

  subscribe(
    name: string,
    subscription: string,
    options: Parameters<ChannelDriver['subscribe']>[2],
    signal: AbortSignal,
  ) {
    return this.#feed(name, subscription).subscribe(options, signal)
  }

  async *read(name: string, from: Position | Date | 'oldest', signal: AbortSignal): AsyncIterable<Stored> {
    try {
      yield* this.#channel(name).read(from, signal)
    } catch (error) {
      throw translated(error)
    }
  }

  async backlog(name: string, subscription: string, queue?: string): Promise<Backlog> {
    return this.#feed(name, subscription).backlog(queue)
  }

  async beginning(name: string): Promise<Beginning> {
    return orUnavailable(this.#channel(name).beginning())
  }

  async parked(name: string, query: ParkedQuery): Promise<readonly Parked[]> {
    return orUnavailable(this.#channel(name).parked(query))
  }

  async parkedCount(name: string, queue?: string): Promise<number> {
    return orUnavailable(this.#channel(name).parkedCount(queue))
  }

  async redrive(name: string, positions: readonly Position[]): Promise<number> {
    return orUnavailable(this.#channel(name).redrive(positions.map(Number)))
  }

  async purge(name: string, which: Parameters<ChannelDriver['purge']>[1]): Promise<number> {
    return orUnavailable(this.#channel(name).purge(which))
  }

  isRetryable(error: unknown): boolean {
    return error instanceof EventingError && error.detail.code === 'CHANNEL_UNAVAILABLE'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#retention?.[Symbol.dispose]()
    for (const channel of this.#channels.values()) channel.close()
    await this.#committer.close()
    await this.#link.close()
  }

  #channel(name: string): Channel {
    if (this.#isClosed) throw closed()
    const channel = this.#channels.get(name)
    if (channel === undefined) throw unknownChannel(name)
    return channel
  }

  #feed(name: string, subscription: string): Feed {
    const feed = this.#channel(name).feeds.get(subscription)
    if (feed === undefined) throw unknownChannel(`${name} with subscription ${subscription}`)
    return feed
  }

  #ask<T>(request: Request): Promise<T> {
    return orUnavailable(this.#link.ask<T>(request))
  }

  #onFault({ errcode, message }: StoreFault): void {
    this.#options.log.error({ errcode, reason: message }, 'the store refuses events: no room, or the disk fails')
  }

  /** Room comes from history that every subscription has passed, then from pages given back to the file system. */
  async #relieve(): Promise<boolean> {
    for (const channel of this.#channels.values()) {
      const { removed } = await channel.retain(RELIEF_ROWS, true)
      if (removed > 0) this.#options.log.warn({ events: removed }, 'history cut early, because the disk is full')
    }
    return this.#link.ask<boolean>({ op: 'relieve' })
  }

  #scheduleRetention(delayMs: number): void {
    this.#retention = this.#options.clock.after(delayMs, () => {
      this.#retain().then(
        (isMore) => !this.#isClosed && this.#scheduleRetention(isMore ? RETAIN_PAUSE_MS : RETENTION_INTERVAL_MS),
        (error: unknown) => {
          if (this.#isClosed) return
          this.#options.log.warn({ error: String(error) }, 'retention failed, it is tried again')
          this.#scheduleRetention(RETENTION_INTERVAL_MS)
        },
      )
    })
  }

  async #retain(): Promise<boolean> {
    let isMore = false
    for (const channel of this.#channels.values()) isMore = (await channel.retain(RETAIN_ROWS, false)).more || isMore
    return isMore
  }
}

async function orUnavailable<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    throw translated(error)
  }
}

function translated(error: unknown): unknown {
  return error instanceof StoreError ? unavailable(error.fault) : error
}
