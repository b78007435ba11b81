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
