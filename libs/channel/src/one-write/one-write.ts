import type { Clock } from '@sluice/clock'
import type { ChannelDriver, ChannelOptions, Entry, Position, SubscribeOptions } from '../port.ts'
import { LocalQueues, type OneWriteLimits } from './local-queues.ts'

const LIMITS: OneWriteLimits = {
  spillAfterMs: 250,
  maxDirect: 4_096,
  maxDirectBytes: 32 * 1024 * 1024,
  maxWaiting: 256,
}

/**
 * The one-write path as a decorator of the port: where a queue's consumer is in the same process, a published copy
 * goes straight to it, and is written only when it does not end at once. `publish` then fulfils when every copy has
 * ended or is stored; a copy that was never written has the position ''. Logs pass through untouched.
 */
export function oneWrite(driver: ChannelDriver, clock: Clock, limits: OneWriteLimits = LIMITS): ChannelDriver {
  const lanes = new Map<string, number>()
  const locals = new Map<string, LocalQueues>()

  async function publishLocally(
    local: LocalQueues,
    channel: string,
    entries: readonly Entry[],
  ): Promise<readonly Position[]> {
    const now = clock.now()
    return Promise.all(
      entries.map((entry) => {
        const isDirect = entry.parked === undefined && (entry.notBefore ?? 0) <= now
        return isDirect ? local.publish(entry) : store(channel, entry)
      }),
    )
  }

  const store = async (channel: string, entry: Entry) => (await driver.publish(channel, [entry]))[0] ?? ''

  return {
    name: driver.name,
    capabilities: driver.capabilities,
    async create(channel: string, options: ChannelOptions) {
      await driver.create(channel, options)
      if (options.kind === 'queue') lanes.set(channel, options.lanes)
    },
    remove(channel) {
      lanes.delete(channel)
      locals.delete(channel)
      return driver.remove(channel)
    },
    publish(channel, entries, signal) {
      const local = locals.get(channel)
      if (local === undefined || local.isClosed) return driver.publish(channel, entries, signal)
      return publishLocally(local, channel, entries)
    },
    subscribe(channel, subscription, options, signal) {
      const laneCount = lanes.get(channel)
      const inner = (through: SubscribeOptions) => driver.subscribe(channel, subscription, through, signal)
      if (laneCount === undefined || locals.get(channel)?.isClosed === false) return inner(options)
      const deps = { clock, lanes: laneCount, limits, store: (entry: Entry) => store(channel, entry) }
      const local = new LocalQueues(deps, options, inner, signal)
      locals.set(channel, local)
      return local
    },
    read: (channel, from, signal) => driver.read(channel, from, signal),
    backlog: (channel, subscription, queue) => driver.backlog(channel, subscription, queue),
    parked: (channel, query) => driver.parked(channel, query),
    redrive: (channel, positions) => driver.redrive(channel, positions),
    purge: (channel, which) => driver.purge(channel, which),
    isRetryable: (error) => driver.isRetryable(error),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  }
}
