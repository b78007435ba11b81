import { type ChannelKind, type Entry, laneOf, type Position } from '@sluice/channel'
import type { Link } from './link.ts'
import { type ChannelNames, positionOf } from './names.ts'
import type { ParkedIndex } from './parked.ts'
import { type Place, type Publisher, recordOf, type Sent } from './publish.ts'
import { RecentKeys } from './recent-keys.ts'
import type { KafkaRecord } from './record.ts'

export interface OutboxDeps {
  readonly link: Link
  readonly publisher: Publisher
  readonly parked: ParkedIndex
  readonly names: ChannelNames
  readonly kind: ChannelKind
  readonly lanes: number
  readonly subscription: string
}

/** Publishing into one channel: a key that was published lately is not stored again, in whatever process that was. */
export class Outbox {
  readonly #deps: OutboxDeps
  readonly #recent: RecentKeys
  /** By key, what is under way. */
  readonly #pending = new Map<string, Publishing>()
  #learning: Promise<void> | undefined
  #calls = 0
  #idle: PromiseWithResolvers<void> | undefined

  constructor(deps: OutboxDeps) {
    this.#deps = deps
    const { link, names, lanes } = deps
    this.#recent = new RecentKeys(link, names.events, lanes)
  }

  /** One promise for all: at the rates of an ingress each more is felt. */
  publish(entries: readonly Entry[]): Promise<readonly Position[]> {
    return new Promise((resolve, reject) => {
      const call = new Call(entries.length, resolve, reject, this.#ended)
      this.#calls++
      if (entries.length === 0) return call.finish()
      try {
        this.#publish(entries, call)
      } catch (error) {
        call.reject(error)
      }
    })
  }

  /** Resolves once nothing is under way. */
  idle(): Promise<void> {
    if (this.#calls === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers()
    return this.#idle.promise
  }

  readonly #ended = () => {
    if (--this.#calls > 0) return
    this.#idle?.resolve()
    this.#idle = undefined
  }

  #publish(entries: readonly Entry[], call: Call): void {
    const { kind, parked, subscription } = this.#deps
    const lying: Publishing[] = []
    const aside: number[] = []
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as Entry
      if (kind === 'queue' && entry.parked !== undefined) aside.push(i)
      else lying.push(this.#prepare(entry, call, i))
    }
    if (this.#isKnown(lying)) this.#send(lying)
    else
      this.#learnFor(lying)
        .then(() => this.#send(lying))
        .catch(call.reject)
    for (const i of aside) {
      parked.publish(subscription, entries[i] as Entry).then((position) => call.done(i, position), call.reject)
    }
  }

  #prepare(entry: Entry, call: Call, at: number): Publishing {
    const { link, names, lanes } = this.#deps
    const order = link.order()
    const { record, bytes } = recordOf(entry, order)
    const { dedupKey } = entry
    const partition = laneOf(entry.laneKey, lanes)
    return new Publishing({ topic: names.events, partition, record, bytes, order, dedupKey, outbox: this, call, at })
  }

  #isKnown(prepared: readonly Publishing[]): boolean {
    if (this.#learning !== undefined) return false
    return !prepared.some(({ dedupKey, partition }) => dedupKey !== undefined && this.#recent.isInDoubt(partition))
  }

  /** In the order of asking, so that nothing overtakes what waits. */
  #learnFor(prepared: readonly Publishing[]): Promise<void> {
    const before = this.#learning?.catch(() => undefined) ?? Promise.resolve()
    const learning = before.then(async () => {
      const lanes = new Set(prepared.filter(({ dedupKey }) => dedupKey !== undefined).map(({ partition }) => partition))
      await Promise.all([...lanes].map((lane) => (this.#recent.isInDoubt(lane) ? this.#recent.learn(lane) : undefined)))
    })
    this.#learning = learning
    const done = () => {
      if (this.#learning === learning) this.#learning = undefined
    }
    learning.then(done, done)
    return learning
  }

  #send(prepared: readonly Publishing[]): void {
    for (const each of prepared) {
      const { dedupKey } = each
      if (dedupKey !== undefined) {
        const place = this.#recent.get(dedupKey)
        const pending = this.#pending.get(dedupKey)
        if (place !== undefined) {
          each.liesAt(place)
          continue
        }
        if (pending !== undefined) {
          pending.repeats = [...(pending.repeats ?? []), each]
          continue
        }
        this.#pending.set(dedupKey, each)
      }
      this.#deps.publisher.send(each)
    }
  }

  stored(each: Publishing, place: Place): void {
    const { dedupKey } = each
    this.#recent.add(dedupKey, place)
    if (dedupKey !== undefined) this.#pending.delete(dedupKey)
  }

  /** It may lie there all the same. */
  refused({ dedupKey, partition }: Publishing): void {
    this.#recent.doubt(partition)
    if (dedupKey !== undefined) this.#pending.delete(dedupKey)
  }
}

/** What was asked to be published with one call. */
class Call {
  readonly #positions: Position[] = []
  readonly #resolve: (positions: readonly Position[]) => void
  readonly #reject: (error: unknown) => void
  readonly #ended: () => void
  #left: number

  constructor(
    count: number,
    resolve: (positions: readonly Position[]) => void,
    reject: (error: unknown) => void,
    ended: () => void,
  ) {
    this.#left = count
    this.#resolve = resolve
    this.#reject = reject
    this.#ended = ended
  }

  done(at: number, position: Position): void {
    this.#positions[at] = position
    if (--this.#left === 0) this.finish()
  }

  readonly reject = (error: unknown): void => {
    if (this.#left <= 0) return
    this.#left = 0
    this.#reject(error)
    this.#ended()
  }

  finish(): void {
    this.#resolve(this.#positions)
    this.#ended()
  }
}

interface Prepared extends Pick<Sent, 'topic' | 'partition' | 'bytes' | 'order'> {
  readonly record: KafkaRecord
  readonly dedupKey: string | undefined
  readonly outbox: Outbox
  readonly call: Call
  /** Among the call's. */
  readonly at: number
}

/** One entry on its way. */
class Publishing implements Sent {
  readonly topic: string
  readonly partition: number
  readonly record: KafkaRecord
  readonly bytes: number
  readonly order: number
  readonly dedupKey: string | undefined
  /** Of the same key, asked for while this was under way. */
  repeats: Publishing[] | undefined
  readonly #outbox: Outbox
  readonly #call: Call
  readonly #at: number

  constructor({ topic, partition, record, bytes, order, dedupKey, outbox, call, at }: Prepared) {
    this.topic = topic
    this.partition = partition
    this.record = record
    this.bytes = bytes
    this.order = order
    this.dedupKey = dedupKey
    this.#outbox = outbox
    this.#call = call
    this.#at = at
  }

  liesAt({ partition: lane, offset, order }: Place): void {
    this.#call.done(this.#at, positionOf({ lane, offset, order }))
  }

  stored(place: Place): void {
    this.#outbox.stored(this, place)
    this.liesAt(place)
    for (const each of this.repeats ?? []) each.liesAt(place)
  }

  refused(error: unknown): void {
    this.#outbox.refused(this)
    this.#call.reject(error)
    for (const each of this.repeats ?? []) each.#call.reject(error)
  }
}
