export type { Drivers, IngressAddresses, ProgramsDeps } from './deps.ts'
export { programs } from './programs.ts'
