import { EventingError } from '@sluice/errors'

/** Bytes of requests being read and stored, over all connections. */
export interface MemoryBudget {
  /** Throws MEMORY_FULL and takes nothing when it would pass the bound. */
  take(bytes: number): void
  give(bytes: number): void
  used(): number
}

export function memoryBudget(maxBytes: number): MemoryBudget {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > maxBytes) {
        throw new EventingError(
          { code: 'MEMORY_FULL', bytes: used, maxBytes },
          'too many bytes are waiting to be stored; try again in a moment',
        )
      }
      used += bytes
    },
    give(bytes) {
      used -= bytes
    },
    used: () => used,
  }
}
