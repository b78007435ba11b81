export type { Drivers, IngressAddresses, ProgramsDeps } from './deps.ts'
export type { SeenType } from './event-type.ts'
export { createPrograms, programs } from './programs.ts'
