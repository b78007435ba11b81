import {
  type ChannelKind,
  type Grip,
  type LaneReader,
  type LaneSink,
  type LaneStore,
  type MemberSink,
  type Redriven,
  readCursor,
} from '@sluice/channel'
import type { AttributeValue } from '@sluice/cloudevents'
import type { Lying } from './client/client.ts'
import { isUnavailable, unavailable } from './errors.ts'
import { type Fetcher, scan } from './fetcher.ts'
import { KafkaGrip } from './grip.ts'
import { Fold, Keys } from './journal.ts'
import type { Link } from './link.ts'
import type { Members } from './members.ts'
import { atOf, type ChannelNames, orderOf, positionOf } from './names.ts'
import type { ParkedIndex } from './parked.ts'
import type { Publisher } from './publish.ts'
import { decodeRecord, orderIn, type RecordEntry } from './record.ts'

export interface StoreDeps {
  readonly link: Link
  readonly fetcher: Fetcher
  readonly publisher: Publisher
  readonly members: Members
  readonly parked: ParkedIndex
  readonly names: ChannelNames
  readonly kind: ChannelKind
  readonly lanes: number
  readonly subscription: string
}

export interface LaneDeps extends StoreDeps {
  readonly keys: Keys
  readonly member: () => string
  readonly onDisposed: (grip: KafkaGrip) => void
}

/** The lanes of one subscription, in partitions. */
export class KafkaLaneStore implements LaneStore {
  readonly kind
  readonly lanes
  readonly clock
  /** Kafka knows no keys: what is published twice lies there twice. */
  readonly repeats = true
  readonly readsTogether = false
  readonly isUnavailable = isUnavailable
  readonly unavailable = unavailable
  readonly grips = new Map<number, KafkaGrip>()
  readonly #deps: LaneDeps
  readonly #start: string
  readonly #sinks = new Set<(each: Redriven) => void>()
  /** Of lanes that are another's, as far as their journals were read. */
  readonly #folds = new Map<number, Fold>()
  #member = ''

  constructor(deps: StoreDeps) {
    this.kind = deps.kind
    this.lanes = deps.lanes
    this.clock = deps.link.clock
    this.#start = deps.names.members(deps.subscription)
    this.#deps = {
      ...deps,
      keys: new Keys(deps.subscription),
      member: () => this.#member,
      onDisposed: (grip) => {
        if (this.grips.get(grip.lane) === grip) this.grips.delete(grip.lane)
      },
    }
  }

  get isUp(): boolean {
    return this.#deps.link.isUp
  }

  onUp(callback: () => void): Disposable {
    return this.#deps.link.onUp(callback)
  }

  placeOf(id: string) {
    const at = atOf(id)
    return { seq: at === undefined ? 0 : at.offset + 1, age: at?.order ?? 0 }
  }

  read(lane: number | '*', from: number, { room, onEntry, onCaughtUp }: LaneSink): LaneReader {
    const { fetcher, names, link } = this.#deps
    const number = Number(lane)
    const withPlace = this.kind === 'log' && link.options.places === true ? placed : decodeRecord
    return fetcher.follow({
      ...{ topic: names.events, partition: number, from: Math.max(0, from - 1), hasRoom: () => room() > 0 },
      onPage: ({ records, next, end }) => {
        for (const record of records) {
          const { offset, storedAt } = record
          const order = orderOf(orderIn(record), storedAt)
          const id = positionOf({ lane: number, offset, order })
          onEntry(number, { seq: offset + 1, id, age: order, storedAt, decode: () => withPlace(record, number) })
        }
        if (next >= end) onCaughtUp()
      },
    })
  }

  async take(lane: number, member: string, mayTake: (owner: string) => boolean): Promise<Grip | undefined> {
    const { link, names, keys, publisher } = this.#deps
    const fold = this.#folds.get(lane) ?? new Fold(keys)
    this.#folds.set(lane, fold)
    await this.#read(lane, fold)
    const owner = fold.ownerOf(readCursor)
    if (owner !== null && !mayTake(owner)) return undefined
    const term = fold.term + 1
    const record = { key: Buffer.from(keys.claim(term, member)), value: Buffer.from('{}') }
    await publisher.store([{ topic: names.lanes, partition: lane, record, order: link.order() }])
    await this.#read(lane, fold)
    // Another was first
    if (fold.term !== term || fold.member !== member) return undefined
    const end = await link.end(names.events, lane)
    this.#folds.delete(lane)
    const grip = new KafkaGrip(lane, fold, end, this.#deps, (each) => {
      for (const sink of this.#sinks) sink(each)
    })
    this.grips.set(lane, grip)
    return grip
  }

  async #read(lane: number, fold: Fold): Promise<void> {
    const { link, names } = this.#deps
    const end = await link.end(names.lanes, lane)
    for await (const record of scan(link, names.lanes, lane, fold.next, end)) fold.take(record)
    fold.next = Math.max(fold.next, end)
  }

  redriven(sink: (each: Redriven) => void): Disposable {
    this.#sinks.add(sink)
    return { [Symbol.dispose]: () => this.#sinks.delete(sink) }
  }

  members(sink: MemberSink): Disposable {
    return this.#deps.members.hear(this.#start, sink)
  }

  newMember(): string {
    this.#member = `${Date.now().toString(36)}-${crypto.randomUUID()}`
    return this.#member
  }

  beat(member: string): Promise<void> {
    return this.#deps.members.say(this.#start, member, true)
  }

  leave(member: string): Promise<void> {
    return this.#deps.members.say(this.#start, member, false)
  }

  forget(member: string): Promise<void> {
    return this.#deps.members.say(this.#start, member, false)
  }

  moved(lane: number): Promise<void> {
    return this.#deps.members.moved(this.#start, lane)
  }
}

/** An offset outgrows the integers of CloudEvents, so it is a text. Source: Knative's Kafka dispatcher, which adds both. */
function placed(record: Lying, partition: number): RecordEntry {
  const entry = decodeRecord(record)
  const { event } = entry.envelope
  const place = { knativekafkapartition: partition, knativekafkaoffset: String(record.offset) }
  const attributes = new Map<string, AttributeValue>([...event.attributes, ...Object.entries(place)])
  return { ...entry, envelope: { ...entry.envelope, event: { ...event, attributes } } }
}
