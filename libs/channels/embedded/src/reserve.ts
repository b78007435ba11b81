import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { RESERVE_BYTES } from './config.ts'

/**
 * A file of zeros that is given up when the disk is full: without it acknowledgements, too, would find no room, and
 * nothing could ever leave a full store.
 */
export class Reserve {
  readonly #path: string | undefined

  constructor(dataDir: string) {
    this.#path = dataDir === ':memory:' ? undefined : join(dataDir, 'reserve')
  }

  /** True when the room is held, now or already. */
  take(): boolean {
    if (this.#path === undefined) return true
    try {
      if (statSync(this.#path, { throwIfNoEntry: false })?.size === RESERVE_BYTES) return true
      const file = openSync(this.#path, 'w', 0o600)
      try {
        const zeros = Buffer.alloc(1024 * 1024)
        let written = 0
        while (written < RESERVE_BYTES) written += writeSync(file, zeros)
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      return true
    } catch {
      this.give()
      return false
    }
  }

  give(): void {
    if (this.#path !== undefined) rmSync(this.#path, { force: true })
  }
}
