export type { DriverDeps, OpenedDriver, OpenedDrivers } from './driver.ts'
export { type DriverConfig, driverConfig, driverRules, driversOf, openDriver, requireShared } from './open-driver.ts'
