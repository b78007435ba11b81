import { sideBySide } from '@sluice/channel'
import { type ConfigOf, type Field, oneOf, type Rules, type Shape, text } from '@sluice/config'
import { EventingError } from '@sluice/errors'
import type { DriverDeps, OpenedDriver, OpenedDrivers } from './driver.ts'
import { kafkaConfig, kafkaRules, openKafka } from './kafka.ts'
import { kafkaConnection } from './kafka-connection.ts'
import { natsConfig, natsRules, openNats } from './nats.ts'

const NAMES = ['embedded', 'nats', 'kafka'] as const
type DriverName = (typeof NAMES)[number]

/** Of a log that says nothing of them. */
const LANES = 8
const BESIDE = 'CHANNEL_DRIVERS_BESIDE'

/** A driver to choose: whether several processes can use it, its variables, what holds between them, how it opens. */
interface DriverChoice {
  readonly isShared: boolean
  readonly config: Shape
  readonly rules: Rules<Shape>
  readonly open: (config: DriverConfig, deps: DriverDeps) => Promise<OpenedDriver>
}

export const driverConfig = {
  driverName: oneOf('CHANNEL_DRIVER', NAMES, {
    fallback: 'embedded',
    meaning:
      'what stores the events: embedded (this process alone, on its disk), nats (JetStream, for all) or kafka (for all)',
  }),
  driversBeside: driverNames(BESIDE),
  ...natsConfig,
  ...kafkaConfig,
}
export type DriverConfig = ConfigOf<typeof driverConfig>

/** The next driver comes here. */
const DRIVERS: Readonly<Record<DriverName, DriverChoice>> = {
  embedded: {
    isShared: false,
    config: {},
    rules: () => [],
    async open(_config, { dataDir = '.sluice', clock, telemetry }) {
      const { openEmbeddedDriver } = await import('@sluice/channel-embedded')
      const driver = await openEmbeddedDriver({ dataDir, clock, log: telemetry.log })
      return { driver, ready: () => undefined, [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose]() }
    },
  },
  nats: { isShared: true, config: natsConfig, rules: natsRules as Rules<Shape>, open: openNats },
  kafka: { isShared: true, config: kafkaConfig, rules: kafkaRules as Rules<Shape>, open: openKafka },
}

/** The names of the drivers that a process with this configuration runs; the first is the default. */
export function driversOf(config: Partial<Pick<DriverConfig, 'driverName' | 'driversBeside'>>): readonly DriverName[] {
  const { driverName, driversBeside = [] } = config
  return driverName === undefined ? driversBeside : [driverName, ...driversBeside]
}

/** The rules of the chosen drivers; a variable of another one is refused: whoever set it expects it to count. */
export const driverRules: Rules<typeof driverConfig> = (config, isSet) => {
  const { driverName: driver, driversBeside } = config
  if (driver === undefined || driversBeside === undefined) return []
  const chosen = driversOf(config)
  const twice = driversBeside.includes(driver) ? [`${BESIDE}: ${driver} is the CHANNEL_DRIVER already`] : []
  const foreign = Object.entries(DRIVERS)
    .filter(([name]) => !chosen.includes(name as DriverName))
    .flatMap(([name, choice]) =>
      Object.values(choice.config)
        .filter((field) => isSet(field.name))
        .map(
          (field) =>
            `${field.name}: is set, but CHANNEL_DRIVER is ${driver}: unset it, or set CHANNEL_DRIVER=${name}, or ${BESIDE}=${name}`,
        ),
    )
  return [...twice, ...foreign, ...new Set(chosen.flatMap((name) => DRIVERS[name].rules(config, isSet)))]
}

/** Throws DRIVER_SERVES_ONE_PROCESS for a service that has to share its channels with others. */
export function requireShared(config: Pick<DriverConfig, 'driverName' | 'driversBeside'>, service: string): void {
  const driver = driversOf(config).find((name) => !DRIVERS[name].isShared)
  if (driver === undefined) return
  const variable = driver === config.driverName ? 'CHANNEL_DRIVER' : BESIDE
  const others = Object.entries(DRIVERS).filter(([, { isShared }]) => isShared)
  const message = `${variable}=${driver} serves one process, so the ${service} can't run apart: set CHANNEL_DRIVER=${others.map(([name]) => name).join(' or ')}, or run all roles in one with npm start`
  throw new EventingError({ code: 'DRIVER_SERVES_ONE_PROCESS', driver }, message)
}

/** Opens the drivers that the configuration names, side by side; the others are not even loaded. */
export async function openDriver(config: DriverConfig, deps: DriverDeps): Promise<OpenedDrivers> {
  await using stack = new AsyncDisposableStack()
  const opened = new Map<string, OpenedDriver>()
  for (const name of driversOf(config)) opened.set(name, stack.use(await DRIVERS[name].open(config, deps)))
  const driver = sideBySide(new Map([...opened].map(([name, each]) => [name, each.driver])))
  const whyNot = () =>
    [...opened].flatMap(([name, { ready }]) => {
      const reason = ready()
      return reason === undefined ? [] : [opened.size > 1 ? `${name}: ${reason}` : reason]
    })
  const moved = stack.move()
  return {
    driver,
    ready: () => whyNot().join('; ') || undefined,
    declare(to) {
      const level = ({ driver }: OpenedDriver) => driver.capabilities.durable
      const [only, another] = opened.values()
      if (only !== undefined && another === undefined) {
        to.ready('channel', () => only.ready())
        return to.durable(level(only))
      }
      for (const [name, each] of opened) to.ready(`channel ${name}`, () => each.ready())
      to.durable(Object.fromEntries([...opened].map(([name, each]) => [name, level(each)])))
    },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  }
}

function driverNames(name: string): Field<readonly DriverName[]> {
  const fallback: readonly DriverName[] = []
  const meaning =
    'further drivers, separated by commas, for brokers and channels that ask for them, the same at every service'
  return {
    ...text(name, { fallback: '', meaning }),
    ...{ fallback, fallbackText: undefined },
    parse(value) {
      const given = value.split(',').map((each) => each.trim())
      const names = NAMES.filter((each) => given.includes(each))
      if (given.some((each) => !NAMES.some((known) => known === each)))
        return { problem: `is not a list of ${NAMES.join(', ')}` }
      return given.length > names.length ? { problem: 'names a driver twice' } : { value: names }
    },
  }
}

/** What runs here, for who programs logs: the default, the others, and how one that is missing would come to run. */
export function runningDrivers(config: DriverConfig) {
  const names: readonly string[] = driversOf(config)
  return {
    default: config.driverName,
    lanes: (name: string = config.driverName) => (name === 'kafka' ? config.kafkaPartitions : LANES),
    ...(names.includes('kafka') && { kafka: kafkaConnection(config) }),
    has: (name: string) => names.includes(name),
    fix: (name: string) =>
      NAMES.some((known) => known === name)
        ? `set ${BESIDE}=${[...config.driversBeside, name].join(',')} at every service`
        : `this version has no driver ${name}: it has ${NAMES.join(', ')}`,
  }
}
