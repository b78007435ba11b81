export type { DriverDeps, OpenedDriver, OpenedDrivers } from './driver.ts'
export {
  type DriverConfig,
  driverConfig,
  driverRules,
  driversOf,
  openDriver,
  requireShared,
  runningDrivers,
} from './open-driver.ts'
