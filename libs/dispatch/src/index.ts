export type { ParkReason } from './ends.ts'
export { type Note, readNote } from './note.ts'
export { type Dispatcher, type DispatcherDeps, startDispatcher } from './start.ts'
