import { randomUUID } from 'node:crypto'
import { nuid } from '@nats-io/transport-node'
import {
  type Envelope,
  type Grip,
  type Item,
  type LaneReader,
  type LaneSink,
  type LaneStore,
  type MemberSink,
  NO_CURSOR,
  type Place,
  REMEMBERED_KEYS,
  type Redriven,
  readCursor,
  type Waiting,
} from '@sluice/channel'
import { isFault, isUnavailable, tooLarge, unavailable, WRONG_LAST_SEQUENCE } from './errors.ts'
import type { Link } from './link.ts'
import { decodeMessage, encodeMessage, type Message, messageId } from './message.ts'
import { type ChannelNames, tokenOf } from './names.ts'
import { countOf, Reader, scan } from './reader.ts'
import { deleteAt, entryAt, expecting, firstFrom, newest, store } from './store.ts'
import { type StreamState, streamState } from './streams.ts'

export interface StoreDeps {
  readonly link: Link
  readonly names: ChannelNames
  readonly stateStream: string
  readonly kind: LaneStore['kind']
  readonly lanes: number
  readonly subscription: string
}

/** The lanes of one subscription, in streams. */
export class NatsLaneStore implements LaneStore {
  readonly kind
  readonly lanes
  readonly clock
  /** The server's duplicate window is the log's. */
  readonly repeats = false
  readonly readsTogether = true
  readonly isUnavailable = isUnavailable
  readonly unavailable = unavailable
  readonly #deps: StoreDeps

  constructor(deps: StoreDeps) {
    this.#deps = deps
    this.kind = deps.kind
    this.lanes = deps.lanes
    this.clock = deps.link.options.clock
  }

  get isUp(): boolean {
    return this.#deps.link.isUp
  }

  onUp(callback: () => void): Disposable {
    return this.#deps.link.onUp(callback)
  }

  placeOf(id: string) {
    const seq = Number(id) || 0
    return { seq, age: seq }
  }

  read(lane: number | '*', from: number, { room, onEntry, onCaughtUp }: LaneSink): LaneReader {
    const { link, names, kind } = this.#deps
    const filter = kind === 'log' ? names.lane(lane) : names.queue(lane, '*')
    const laneAt = filter.split('.').length - (kind === 'log' ? 1 : 2)
    return new Reader(link, {
      stream: names.events,
      filter,
      from: { seq: from },
      room,
      onMessage: ({ seq, storedAt, message, pending }) => {
        const decode = () => decodeMessage(message.headers ?? [], message.data)
        onEntry(Number(message.subject.split('.')[laneAt]), { seq, id: String(seq), age: seq, storedAt, decode })
        if (pending === 0) onCaughtUp()
      },
    })
  }

  async take(lane: number, member: string, mayTake: (owner: string) => boolean): Promise<Grip | undefined> {
    const { link, names, subscription, stateStream } = this.#deps
    const found = await newest(link, stateStream, names.cursor(subscription, lane))
    const { owner } = found === undefined ? NO_CURSOR : readCursor(found.text)
    if (owner !== null && !mayTake(owner)) return undefined
    const state = await streamState(link, names.events)
    return state && new NatsGrip(lane, member, found, state, this.#deps)
  }

  redriven(sink: (each: Redriven) => void): Disposable {
    const { link, names, subscription } = this.#deps
    return new Reader(link, {
      stream: names.aside,
      filter: names.redriven(subscription, '*', '*', '*'),
      from: { seq: 1 },
      room: () => 256,
      onMessage: ({ seq, message: { headers, subject, data } }) => {
        if (headers === undefined) return
        const adopt = async () => {
          const encoded = { encode: () => Buffer.from(headers.toString(), 'latin1') }
          const aside = await store(link, subject.replace('.redriven.', '.wait.'), data, encoded)
          // Waiting before it leaves the redriven ones: somebody may be counting.
          void deleteAt(link, names.aside, seq).catch(() => undefined)
          return aside
        }
        const lane = Number(subject.split('.').at(-3))
        sink({ lane, place: seq, decode: () => decodeMessage(headers, data), adopt })
      },
    })
  }

  members({ onMember, onMoved }: MemberSink): Disposable {
    const { link, names, subscription, stateStream } = this.#deps
    return new Reader(link, {
      stream: stateStream,
      filter: names.live(subscription),
      from: { seq: 1 },
      room: () => Number.POSITIVE_INFINITY,
      onMessage: ({ message }) => {
        const [kind, name = ''] = message.subject.split('.').slice(-2)
        if (kind === 'member') onMember(name, message.data.length > 0)
        else onMoved()
      },
    })
  }

  newMember(): string {
    return `${Date.now().toString(36)}-${nuid.next()}`
  }

  async beat(member: string): Promise<void> {
    await this.#say(member, '{}')
  }

  async leave(member: string): Promise<void> {
    await this.#say(member, '')
  }

  async #say(member: string, text: string): Promise<void> {
    const { link, names, subscription } = this.#deps
    await store(link, names.member(subscription, member), text)
  }

  async forget(member: string): Promise<void> {
    const { link, names, subscription, stateStream } = this.#deps
    await link.api(`STREAM.PURGE.${stateStream}`, { filter: names.member(subscription, member) })
  }

  async moved(lane: number): Promise<void> {
    const { link, names, subscription } = this.#deps
    await store(link, names.moved(subscription, lane), '{}')
  }
}

/** The cursor is written by comparing revisions: that is the lock, and the fence. */
class NatsGrip implements Grip {
  readonly cursor: string | undefined
  readonly end: number
  onLost: () => void = () => undefined
  readonly #lane: number
  readonly #member: string
  readonly #first: number
  readonly #deps: StoreDeps
  #revision: number

  constructor(
    lane: number,
    member: string,
    found: { readonly seq: number; readonly text: string } | undefined,
    state: StreamState,
    deps: StoreDeps,
  ) {
    this.#lane = lane
    this.#member = member
    this.#deps = deps
    this.#revision = found?.seq ?? 0
    this.cursor = found?.text
    this.end = state.last_seq
    this.#first = state.first_seq
  }

  async write(cursor: string): Promise<boolean> {
    const { link, names, subscription, stateStream } = this.#deps
    const subject = names.cursor(subscription, this.#lane)
    try {
      this.#revision = await store(link, subject, cursor, expecting(this.#revision))
      return true
    } catch (error) {
      if (!isFault(error, WRONG_LAST_SEQUENCE)) throw error
    }
    // A write of ours whose answer was lost is ours still.
    const found = await newest(link, stateStream, subject).catch(() => undefined)
    const { owner } = found === undefined ? NO_CURSOR : readCursor(found.text)
    if (found === undefined || owner !== this.#member) return false
    this.#revision = found.seq
    return this.write(cursor)
  }

  async *asides(): AsyncGenerator<Waiting> {
    const { link, names, subscription } = this.#deps
    const filter = names.waiting(subscription, this.#lane, '*', '*')
    const all = { stream: names.aside, filter, from: { seq: 1 }, headersOnly: true, isWhole: true }
    for await (const { seq, message } of scan(link, all)) {
      yield { place: seq, decode: () => decodeMessage(message.headers ?? [], message.data, true) }
    }
  }

  async hasFrom(seq: number): Promise<boolean> {
    const { link, names, kind } = this.#deps
    const filter = kind === 'log' ? names.lane(this.#lane) : names.queue(this.#lane, '*')
    if ((await firstFrom(link, names.events, filter, seq)) !== undefined) return true
    return (await countOf(link, { stream: names.events, filter, from: { seq } })) > 0
  }

  async historyFrom(seq: number): Promise<number> {
    return Math.max(seq - (this.#deps.kind === 'log' ? 0 : REMEMBERED_KEYS), this.#first)
  }

  keep(item: Item): Promise<number> {
    const { link, names, subscription } = this.#deps
    const subject = names.waiting(subscription, this.#lane, tokenOf(item.queue), item.id, item.aside)
    const { headers, payload } = this.#messageOf(item)
    return store(link, subject, payload, headers)
  }

  async park(item: Item, reason: string): Promise<void> {
    const { link, names, subscription } = this.#deps
    const { headers, payload } = this.#messageOf(item, reason)
    await store(link, names.parked(subscription, tokenOf(item.queue), item.id), payload, headers)
  }

  async remove(place: number): Promise<void> {
    await deleteAt(this.#deps.link, this.#deps.names.aside, place)
  }

  contents(places: readonly number[]): Promise<readonly (Envelope | undefined)[]> {
    const { link, names } = this.#deps
    return Promise.all(places.map(async (place) => (await entryAt(link, names.aside, place))?.envelope))
  }

  [Symbol.dispose](): void {}

  #messageOf(item: Item, reason?: string): Message {
    const { envelope, dedupKey, queue, attempt, note, id, storedAt, handOuts, due } = item
    if (envelope === undefined) throw unavailable('the event is not in memory')
    const place: Place = { id, lane: this.#lane, storedAt, handOuts, due, ...(reason === undefined ? {} : { reason }) }
    const message = encodeMessage(
      {
        ...envelope,
        queue,
        attempt,
        ...(dedupKey === undefined ? {} : { dedupKey }),
        ...(note === undefined ? {} : { note }),
      },
      place,
      // Of this writing alone: repeated because its answer was lost, it is stored once, and nothing is replaced
      messageId(randomUUID()),
    )
    const bytes = message.headerBytes + message.payload.length
    if (bytes > this.#deps.link.maxPayload) throw tooLarge(bytes, this.#deps.link.maxPayload)
    return message
  }
}
