import type { Clock } from '@sluice/clock'
import type { ChannelDriver, ChannelOptions } from '../port.ts'
import { QueueChannel } from './queue-channel.ts'
import type { OneWriteLimits } from './unwritten.ts'

const LIMITS: OneWriteLimits = {
  spillAfterMs: 250,
  maxDirect: 4_096,
  maxDirectBytes: 32 * 1024 * 1024,
  maxWaiting: 256,
}

/**
 * The one-write path as a decorator of the port: where a queue's consumer is in the same process, a published copy
 * goes straight to it, and is written only when it does not end at once. `publish` then fulfils when every copy has
 * ended or is stored; a copy that was never written has the position ''. Of copies that were acked and never written,
 * this process knows the latest 2,048 `dedupKey`s at least, and none once it has ended. Logs pass through untouched.
 */
export function oneWrite(driver: ChannelDriver, clock: Clock, limits: OneWriteLimits = LIMITS): ChannelDriver {
  const queues = new Map<string, QueueChannel>()

  return {
    name: driver.name,
    get capabilities() {
      return driver.capabilities
    },
    ...(driver.capabilitiesOf && { capabilitiesOf: driver.capabilitiesOf }),
    check: async (channel, options) => driver.check?.(channel, options),
    async create(channel: string, options: ChannelOptions) {
      await driver.create(channel, options)
      if (options.kind !== 'queue' || queues.has(channel)) return
      queues.set(channel, new QueueChannel({ driver, clock, limits, channel, lanes: options.lanes }))
    },
    async remove(channel) {
      const removing = driver.remove(channel)
      const queue = queues.get(channel)
      queues.delete(channel)
      // What it still writes is refused, and its publishers hear of it.
      await queue?.close()
      await removing
    },
    publish(channel, entries, signal) {
      const queue = queues.get(channel)
      return queue === undefined ? driver.publish(channel, entries, signal) : queue.publish(entries, signal)
    },
    subscribe(channel, subscription, options, signal) {
      const queue = queues.get(channel)
      if (queue === undefined) return driver.subscribe(channel, subscription, options, signal)
      return queue.subscribe(subscription, options, signal)
    },
    read: (channel, from, signal) => driver.read(channel, from, signal),
    backlog: (channel, subscription, queue) => driver.backlog(channel, subscription, queue),
    parked: (channel, query) => driver.parked(channel, query),
    parkedCount: (channel, queue) => driver.parkedCount(channel, queue),
    beginning: (channel) => driver.beginning(channel),
    redrive: (channel, positions) => driver.redrive(channel, positions),
    purge: (channel, which) => driver.purge(channel, which),
    isRetryable: (error) => driver.isRetryable(error),
    async [Symbol.asyncDispose]() {
      await Promise.all(Array.from(queues.values(), (queue) => queue.close()))
      await driver[Symbol.asyncDispose]()
    },
  }
}
