import type { ChannelDriver, Entry, Position } from '@sluice/channel'
import { type Clock, sleep } from '@sluice/clock'
import { EventingError } from '@sluice/errors'

/** What becomes of a publish: stored; stored and answered late; refused; stored, and the answer lost. */
export type Storing = 'well' | 'late' | 'refused' | 'unheard'

export const LATE_MS = 400

/** A driver whose publishes fail or are slow when told, and which outlives whoever disposes of it. */
export class FaultyDriver {
  storing: Storing = 'well'
  readonly published: Entry[] = []
  readonly driver: ChannelDriver

  constructor(real: ChannelDriver, clock: Clock) {
    const { name, capabilities } = real
    const publish = async (channel: string, entries: readonly Entry[]): Promise<readonly Position[]> => {
      const { storing } = this
      if (storing === 'refused') throw unavailable()
      this.published.push(...entries)
      const positions = await real.publish(channel, entries)
      if (storing === 'unheard') throw unavailable()
      if (storing === 'late') await sleep(clock, LATE_MS)
      return positions
    }
    this.driver = {
      name,
      capabilities,
      publish,
      create: (channel, options) => real.create(channel, options),
      remove: (channel) => real.remove(channel),
      subscribe: (channel, subscription, options, signal) => real.subscribe(channel, subscription, options, signal),
      read: (channel, from, signal) => real.read(channel, from, signal),
      backlog: (channel, subscription, queue) => real.backlog(channel, subscription, queue),
      parked: (channel, query) => real.parked(channel, query),
      parkedCount: (channel, queue) => real.parkedCount(channel, queue),
      beginning: (channel) => real.beginning(channel),
      redrive: (channel, positions) => real.redrive(channel, positions),
      purge: (channel, which) => real.purge(channel, which),
      isRetryable: (error) => real.isRetryable(error),
      [Symbol.asyncDispose]: async () => undefined,
    }
  }
}

function unavailable(): EventingError {
  return new EventingError({ code: 'CHANNEL_UNAVAILABLE', driver: 'faulty', reason: 'as told' }, 'the store failed')
}
