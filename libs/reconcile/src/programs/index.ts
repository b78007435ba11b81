export type { Drivers, IngressAddresses, ProgramsDeps } from './deps.ts'
export type { SeenType } from './event-type.ts'
export { fixedAddresses } from './fixed-addresses.ts'
export { createPrograms, programs } from './programs.ts'
