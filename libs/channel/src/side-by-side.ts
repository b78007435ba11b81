import { EventingError } from '@sluice/errors'
import type { ChannelDriver } from './port.ts'

/**
 * Several drivers as one, by name; the first is the default. A channel is at the driver that its `create` names, from then on
 * and for all that this process does with it; `create` comes before any use. A name that is not here is DRIVER_MISSING, and
 * a channel that is at another driver already CHANNEL_CONFLICT. Disposing disposes all.
 */
export function sideBySide(drivers: ReadonlyMap<string, ChannelDriver>): ChannelDriver {
  const all = [...drivers.values()]
  const [first] = drivers.keys()
  const places = new Map<string, ChannelDriver>()
  const named = (name: string | undefined): ChannelDriver | undefined => drivers.get(name ?? first ?? '')
  /** What nobody created is the default's to refuse. */
  const at = (channel: string): ChannelDriver => places.get(channel) ?? (all[0] as ChannelDriver)

  return {
    name: [...drivers.keys()].join(' and '),
    get capabilities() {
      return weakest(all)
    },
    capabilitiesOf(channel) {
      const driver = at(channel)
      return driver.capabilitiesOf?.(channel) ?? driver.capabilities
    },
    async create(channel, options) {
      const driver = named(options.driver)
      if (driver === undefined) throw missing(channel, options.driver ?? '', [...drivers.keys()])
      const before = places.get(channel)
      if (before !== undefined && before !== driver) {
        const problem = `it is stored by ${before.name}, and a channel stays with its driver`
        throw new EventingError({ code: 'CHANNEL_CONFLICT', channel, problem }, `channel ${channel}: ${problem}`)
      }
      await driver.create(channel, options)
      places.set(channel, driver)
    },
    async check(channel, options) {
      const driver = named(options.driver)
      if (driver === undefined) throw missing(channel, options.driver ?? '', [...drivers.keys()])
      await driver.check?.(channel, options)
    },
    async remove(channel) {
      await at(channel).remove(channel)
      places.delete(channel)
    },
    publish: (channel, entries, signal) => at(channel).publish(channel, entries, signal),
    subscribe: (channel, subscription, options, signal) =>
      at(channel).subscribe(channel, subscription, options, signal),
    read: (channel, from, signal) => at(channel).read(channel, from, signal),
    beginning: (channel) => at(channel).beginning(channel),
    backlog: (channel, subscription, queue) => at(channel).backlog(channel, subscription, queue),
    parked: (channel, query) => at(channel).parked(channel, query),
    parkedCount: (channel, queue) => at(channel).parkedCount(channel, queue),
    redrive: (channel, positions) => at(channel).redrive(channel, positions),
    purge: (channel, which) => at(channel).purge(channel, which),
    isRetryable: (error) => all.some((driver) => driver.isRetryable(error)),
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((driver) => driver[Symbol.asyncDispose]()))
    },
  }
}

function missing(channel: string, driver: string, running: readonly string[]): EventingError {
  return new EventingError(
    { code: 'DRIVER_MISSING', channel, driver },
    `channel ${channel} is stored by the driver ${driver}, and this process runs ${running.join(' and ')}: add ${driver} to CHANNEL_DRIVERS_BESIDE, here and at every service`,
  )
}

/** What holds whatever the channel; but the largest event is the largest that one of them takes: the others refuse it. */
function weakest(drivers: readonly ChannelDriver[]): ChannelDriver['capabilities'] {
  const each = drivers.map(({ capabilities }) => capabilities)
  const levels = each.map(({ durable }) => durable)
  const durable = (['process', 'disk'] as const).find((level) => levels.includes(level)) ?? levels[0] ?? 'process'
  return {
    durable,
    dedupWindowMs: Math.min(...each.map(({ dedupWindowMs }) => dedupWindowMs)),
    maxEventBytes: Math.max(...each.map(({ maxEventBytes }) => maxEventBytes)),
    shared: each.every(({ shared }) => shared),
    readFromTime: each.every(({ readFromTime }) => readFromTime),
  }
}
