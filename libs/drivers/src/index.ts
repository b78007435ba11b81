export type { DriverDeps, OpenedDriver } from './driver.ts'
export { type DriverConfig, driverConfig, driverRules, openDriver, requireShared } from './open-driver.ts'
