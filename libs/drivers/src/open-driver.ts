import { type ConfigOf, oneOf, type Rules, type Shape } from '@sluice/config'
import { EventingError } from '@sluice/errors'
import type { DriverDeps, OpenedDriver } from './driver.ts'
import { natsConfig, natsRules, openNats } from './nats.ts'

type DriverName = 'embedded' | 'nats'

/** A driver to choose: whether several processes can use it, its variables, what holds between them, how it opens. */
interface DriverChoice {
  readonly isShared: boolean
  readonly config: Shape
  readonly rules: Rules<Shape>
  readonly open: (config: DriverConfig, deps: DriverDeps) => Promise<OpenedDriver>
}

export const driverConfig = {
  driverName: oneOf('CHANNEL_DRIVER', ['embedded', 'nats'], {
    fallback: 'embedded',
    meaning: 'what stores the events: embedded (this process alone, on its disk) or nats (JetStream, for all)',
  }),
  ...natsConfig,
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
}

/** The rules of the chosen driver; a variable of another one is refused: whoever set it expects it to count. */
export const driverRules: Rules<typeof driverConfig> = (config, isSet) => {
  const { driverName: driver } = config
  if (driver === undefined) return []
  const foreign = Object.entries(DRIVERS)
    .filter(([name]) => name !== driver)
    .flatMap(([name, choice]) =>
      Object.values(choice.config)
        .filter((field) => isSet(field.name))
        .map(
          (field) => `${field.name}: is set, but CHANNEL_DRIVER is ${driver}: unset it, or set CHANNEL_DRIVER=${name}`,
        ),
    )
  return [...foreign, ...DRIVERS[driver].rules(config, isSet)]
}

/** Throws DRIVER_SERVES_ONE_PROCESS for a service that has to share its channels with others. */
export function requireShared({ driverName: driver }: Pick<DriverConfig, 'driverName'>, service: string): void {
  if (DRIVERS[driver].isShared) return
  const others = Object.entries(DRIVERS).filter(([, { isShared }]) => isShared)
  const message = `CHANNEL_DRIVER=${driver} serves one process, so the ${service} can't run apart: set CHANNEL_DRIVER=${others.map(([name]) => name).join(' or ')}, or run all roles in one with npm start`
  throw new EventingError({ code: 'DRIVER_SERVES_ONE_PROCESS', driver }, message)
}

/** Opens the driver that the configuration names; the others are not even loaded. */
export function openDriver(config: DriverConfig, deps: DriverDeps): Promise<OpenedDriver> {
  return DRIVERS[config.driverName].open(config, deps)
}
