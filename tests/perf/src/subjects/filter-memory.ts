// The filter alone: a log that hands out prepared events from memory, and queues that store nothing.
import type { ChannelDriver, Delivery } from '@sluice/channel'
import { systemClock } from '@sluice/clock'
import { type CloudEvent, createEvent } from '@sluice/cloudevents'
import { createContractStore, type FilterSpec } from '@sluice/contract'
import { startFilter } from '@sluice/filter'
import { createTelemetry } from '@sluice/telemetry'
import '../load/program.ts'
import { EVENT_TYPE, eventHeaders, jsonBody } from '../load/request.ts'
import { LOG } from './contract.ts'
import { nullDriver } from './memory-driver.ts'

/** Of every event one trigger matches; the others differ from it in the last thing that is compared. */
const FILTERS: Readonly<Record<string, (n: number) => FilterSpec>> = {
  exact: (n) => ({ attributes: { type: typeOf(n) } }),
  cesql: (n) => ({
    filters: [{ cesql: `subject != 'orders/1' AND source != '/other' AND NOT (type != '${typeOf(n)}')` }],
  }),
}
const EVENTS = 1_024

const [dialect = '', count = ''] = process.argv.slice(2)
const triggers = Number(count)
const filterOf = FILTERS[dialect]
if (filterOf === undefined || !(triggers > 0)) throw new Error(`a dialect and a number, not ${dialect} ${count}`)
const routes = Array.from({ length: triggers }, (_, n) => ({
  ...{ uid: `route-${n}`, hash: '', namespace: 'default', name: `t${n}`, log: LOG.uid, since: 0 },
  ...{ filter: filterOf(n), delivery: `delivery-${n}` },
}))

/** Spread over the triggers, so that a small part of the index can't stay in the processor's cache. */
const events = Array.from({ length: EVENTS }, (_, n) => event(Math.floor((n * triggers) / EVENTS)))

function typeOf(n: number): string {
  return `${EVENT_TYPE}.n${n}`
}

function event(n: number): CloudEvent {
  const headers = { ...eventHeaders(`event-${n}`), 'ce-type': typeOf(n) }
  const attributes = Object.entries(headers).map(
    ([name, value]) => [name === 'content-type' ? 'datacontenttype' : name.slice(3), value] as const,
  )
  return createEvent([...attributes, ['knativebrokerttl', 255]], Buffer.from(jsonBody(1024)))
}

const counts = { handedOut: 0, copies: 0 }
const driver: ChannelDriver = {
  ...nullDriver,
  async publish(_channel, copies) {
    counts.copies += copies.length
    return copies.map(() => '0')
  },
  subscribe(_channel, _subscription, { maxInFlight }, signal) {
    let free = maxInFlight
    const end = async () => {
      free += 1
    }
    const handOut = (): Delivery => {
      const n = counts.handedOut++
      const ends = { ack: end, nack: end, release: end, park: end }
      const facts = { queue: '', lane: n % LOG.lanes, attempt: 1, handOuts: 1, note: undefined, storedAt: 0 }
      const position = String(n)
      return {
        event: events[n % EVENTS] as CloudEvent,
        laneKey: 'one',
        ...facts,
        ...ends,
        position,
        dedupKey: undefined,
      }
    }
    return {
      wake() {},
      async *[Symbol.asyncIterator]() {
        while (!signal.aborted) {
          await new Promise<void>((resolve) => setImmediate(resolve))
          const batch = Array.from({ length: free }, handOut)
          free = 0
          if (batch.length > 0) yield batch
        }
      },
    }
  },
}

process.on('message', async ({ warmupMs, measureMs }: { warmupMs: number; measureMs: number }) => {
  await pause(warmupMs)
  const before = { ...counts, cpu: process.cpuUsage(), at: performance.now() }
  await pause(measureMs)
  const { user, system } = process.cpuUsage(before.cpu)
  const judged = counts.handedOut - before.handedOut
  const rate = (judged * 1e3) / (performance.now() - before.at)
  process.send?.({ rate, cpuUs: (user + system) / judged, matches: (counts.copies - before.copies) / judged })
})

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

const telemetry = createTelemetry({ service: 'bench', logLevel: 'warn' })
const contract = await createContractStore({ clock: systemClock, telemetry })
await contract.publish({ logs: [LOG], ingresses: [], deliveries: [], routes, sources: [] })
startFilter({ driver, contract, clock: systemClock, telemetry, replica: 'bench' })
process.send?.({ port: 0 })
