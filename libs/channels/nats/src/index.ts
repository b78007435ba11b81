export type { NatsAuth, NatsOptions } from './config.ts'
export { type NatsDriver, openNatsDriver } from './connection.ts'
export type { NatsState } from './link.ts'
