export { type PingDeps, pingSource } from './ping-source.ts'
