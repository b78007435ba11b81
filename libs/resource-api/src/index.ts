export type {
  Deleted,
  DeleteOptions,
  ListOptions,
  ObjectKey,
  ObjectList,
  Patch,
  Registry,
  Selection,
  WatchEvent,
  WatchOptions,
  WriteOptions,
  Written,
} from './registry.ts'
export type { HistoryBounds, RegistryOptions } from './store/config.ts'
export { openRegistry } from './store/open-registry.ts'
