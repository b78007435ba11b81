export type { EmbeddedOptions } from './config.ts'
export { openEmbeddedDriver } from './connection.ts'
