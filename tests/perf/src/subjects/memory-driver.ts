import type { ChannelDriver, Delivery, Subscription } from '@sluice/channel'
import { EventingError } from '@sluice/errors'

async function unused(): Promise<never> {
  throw new EventingError({ code: 'INTERNAL' }, 'the bench does not use this')
}

async function* nothing(): AsyncGenerator<never> {}

/** A channel that stores nothing: what is published is forgotten at once, nothing is ever handed out. */
export const nullDriver: ChannelDriver = {
  name: 'null',
  capabilities: { durable: 'process', dedupWindowMs: 0, maxEventBytes: 2 ** 26, shared: false, readFromTime: false },
  async create() {},
  async remove() {},
  publish: async (_channel, entries) => entries.map(() => '0'),
  subscribe: (_channel, _subscription, _options, signal) => handingOut(signal, async () => []),
  read: nothing,
  backlog: async () => ({ events: 0, bytes: 0 }),
  beginning: async () => ({ oldest: undefined, isCut: false }),
  parked: async () => [],
  parkedCount: async () => 0,
  redrive: async () => 0,
  purge: async () => 0,
  isRetryable: () => false,
  async [Symbol.asyncDispose]() {},
}

/** A channel that hands out the same event without end, as many at once as the window of `queue` allows. */
export function endlessDriver(queue: string, envelope: Pick<Delivery, 'event' | 'laneKey'>): ChannelDriver {
  return {
    ...nullDriver,
    name: 'endless',
    subscribe(_channel, _subscription, { window, maxInFlight }, signal) {
      let free = Math.min(window?.(queue) ?? maxInFlight, maxInFlight)
      let wake = () => {}
      const end = async () => {
        free += 1
        wake()
      }
      let count = 0
      const handOut = (): Delivery => {
        const position = String(count++)
        const ends = { ack: end, nack: unused, release: end, park: unused }
        const facts = { queue, lane: 0, attempt: 1, handOuts: 1, note: undefined, storedAt: 0 }
        return { ...envelope, ...facts, ...ends, position, dedupKey: position }
      }
      return handingOut(signal, async () => {
        // As a store does: what became free in one turn of the loop is handed out together.
        if (free === 0) await new Promise<void>((resolve) => (wake = resolve))
        await new Promise<void>((resolve) => setImmediate(resolve))
        const batch = Array.from({ length: free }, handOut)
        free = 0
        return batch
      })
    },
  }
}

function handingOut(signal: AbortSignal, next: () => Promise<readonly Delivery[]>): Subscription {
  const aborted = new Promise<readonly Delivery[]>((resolve) => signal.addEventListener('abort', () => resolve([])))
  return {
    wake() {},
    async *[Symbol.asyncIterator]() {
      while (!signal.aborted) {
        const batch = await Promise.race([next(), aborted])
        if (batch.length > 0) yield batch
        else await aborted
      }
    },
  }
}
