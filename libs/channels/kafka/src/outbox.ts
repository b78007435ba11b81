import { type ChannelKind, type Entry, laneOf, type Position } from '@sluice/channel'
import type { Link } from './link.ts'
import { type ChannelNames, positionOf } from './names.ts'
import type { ParkedIndex } from './parked.ts'
import { type Outgoing, type Place, type Publisher, recordOf } from './publish.ts'
import { RecentKeys } from './recent-keys.ts'

export interface OutboxDeps {
  readonly link: Link
  readonly publisher: Publisher
  readonly parked: ParkedIndex
  readonly names: ChannelNames
  readonly kind: ChannelKind
  readonly lanes: number
  readonly subscription: string
}

interface Prepared extends Outgoing {
  readonly dedupKey: string | undefined
}

/** Publishing into one channel: a key that was published lately is not stored again, in whatever process that was. */
export class Outbox {
  readonly #deps: OutboxDeps
  readonly #recent: RecentKeys
  /** By key, what is under way. */
  readonly #pending = new Map<string, Promise<Place>>()
  #learning: Promise<void> | undefined

  constructor(deps: OutboxDeps) {
    this.#deps = deps
    const { link, names, lanes } = deps
    this.#recent = new RecentKeys(link, names.events, lanes)
  }

  async publish(entries: readonly Entry[]): Promise<readonly Position[]> {
    const { kind, parked, subscription } = this.#deps
    const prepared = entries.map((entry) =>
      kind === 'queue' && entry.parked !== undefined ? entry : this.#prepare(entry),
    )
    const lying = prepared.filter((each): each is Prepared => 'record' in each)
    const storing = this.#isKnown(lying) ? this.#store(lying) : this.#learnFor(lying).then(() => this.#store(lying))
    const publishing = prepared.map((each) => ('record' in each ? undefined : parked.publish(subscription, each)))
    const places = (await Promise.all([storing, ...publishing]))[0] as readonly Place[]
    let next = 0
    return Promise.all(
      publishing.map((position) => {
        if (position !== undefined) return position
        const { partition: lane, offset, order } = places[next++] as Place
        return positionOf({ lane, offset, order })
      }),
    )
  }

  #prepare(entry: Entry): Prepared {
    const { link, names, lanes } = this.#deps
    const order = link.order()
    const record = recordOf(entry, order)
    return { topic: names.events, partition: laneOf(entry.laneKey, lanes), record, order, dedupKey: entry.dedupKey }
  }

  #isKnown(prepared: readonly Prepared[]): boolean {
    if (this.#learning !== undefined) return false
    return !prepared.some(({ dedupKey, partition }) => dedupKey !== undefined && this.#recent.isInDoubt(partition))
  }

  /** In the order of asking, so that nothing overtakes what waits. */
  #learnFor(prepared: readonly Prepared[]): Promise<void> {
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

  async #store(prepared: readonly Prepared[]): Promise<readonly Place[]> {
    const fresh: Prepared[] = []
    const resolvers: PromiseWithResolvers<Place>[] = []
    const storing = prepared.map((each) => {
      const { dedupKey } = each
      const known = dedupKey === undefined ? undefined : (this.#recent.get(dedupKey) ?? this.#pending.get(dedupKey))
      if (known !== undefined) return known
      const resolver = Promise.withResolvers<Place>()
      fresh.push(each)
      resolvers.push(resolver)
      if (dedupKey !== undefined) this.#pending.set(dedupKey, resolver.promise)
      return resolver.promise
    })
    const all = Promise.all(storing)
    all.catch(() => undefined)
    try {
      const places = fresh.length === 0 ? [] : await this.#deps.publisher.store(fresh)
      for (const [i, { dedupKey }] of fresh.entries()) {
        const place = places[i] as Place
        this.#recent.add(dedupKey, place)
        resolvers[i]?.resolve(place)
      }
    } catch (error) {
      // It may lie there all the same
      for (const [i, { partition }] of fresh.entries()) {
        this.#recent.doubt(partition)
        resolvers[i]?.promise.catch(() => undefined)
        resolvers[i]?.reject(error)
      }
    } finally {
      for (const { dedupKey } of fresh) if (dedupKey !== undefined) this.#pending.delete(dedupKey)
    }
    return all
  }
}
