import { type ChannelOptions, Consumer, type SubscribeOptions } from '@sluice/channel'
import { DEFAULT_LEASE_MS } from './config.ts'
import type { KafkaEvents } from './events.ts'
import type { Fetcher } from './fetcher.ts'
import { KafkaLaneStore } from './lane-store.ts'
import type { Link } from './link.ts'
import type { Members } from './members.ts'
import { ChannelNames } from './names.ts'
import { Outbox } from './outbox.ts'
import { ParkedIndex } from './parked.ts'
import type { Publisher } from './publish.ts'
import type { OwnedLane, ReadDeps } from './state.ts'

export interface ChannelDeps {
  readonly link: Link
  readonly fetcher: Fetcher
  readonly publisher: Publisher
  readonly members: Members
  readonly events: KafkaEvents
  readonly prefix: string
}

/** One channel as this process uses it. */
export class KafkaChannel {
  readonly name: string
  readonly names: ChannelNames
  readonly parked: ParkedIndex
  readonly outbox: Outbox
  options: ChannelOptions
  readonly #deps: ChannelDeps
  readonly #consumers = new Map<string, Map<Consumer, KafkaLaneStore>>()

  constructor(name: string, options: ChannelOptions, deps: ChannelDeps) {
    this.name = name
    this.options = options
    this.#deps = deps
    this.names = new ChannelNames(deps.prefix, name, options)
    const { kind, lanes, subscriptions } = options
    this.parked = new ParkedIndex({ ...deps, names: this.names, lanes })
    const subscription = subscriptions[0] ?? ''
    this.outbox = new Outbox({ ...deps, parked: this.parked, names: this.names, kind, lanes, subscription })
  }

  get consumers(): readonly Consumer[] {
    return [...this.#consumers.values()].flatMap((each) => [...each.keys()])
  }

  subscribe(subscription: string, options: SubscribeOptions, signal: AbortSignal): Consumer {
    const { events, link } = this.#deps
    const { kind, lanes } = this.options
    const { name, names, parked } = this
    const store = new KafkaLaneStore({ ...this.#deps, parked, names, kind, lanes, subscription })
    const consumer = new Consumer(
      {
        store,
        leaseMs: link.options.leaseMs ?? DEFAULT_LEASE_MS,
        events: {
          skipped: (lane, seq, error) => events.skipped(name, lane, seq, error),
          repeated: events.repeated,
          taken: (lane) => events.taken(name, lane),
          lost: (lane) => events.lost(name, lane),
          failed: events.failed,
        },
      },
      options,
      signal,
    )
    const consumers = this.#consumers.get(subscription) ?? new Map()
    this.#consumers.set(subscription, consumers.set(consumer, store))
    void consumer.finished.then(() => consumers.delete(consumer))
    return consumer
  }

  reading(subscription: string): ReadDeps {
    const { kind, lanes } = this.options
    const ownedLane = (number: number): OwnedLane | undefined => {
      for (const [consumer, { grips }] of this.#consumers.get(subscription) ?? []) {
        const lane = consumer.ownedLane(number)
        const grip = grips.get(number)
        if (lane === undefined || lane.isGone || grip === undefined) continue
        return { lane, grip, backlogOf: (queue) => consumer.backlogOf(lane, queue) }
      }
      return undefined
    }
    return { link: this.#deps.link, names: this.names, kind, lanes, subscription, ownedLane }
  }
}
