import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const ROOT = new URL('../../../../', import.meta.url).pathname
const LOOK_AGAIN_MS = 200
const PATIENCE_MS = 10 * 60_000

/** Folder of the project in which programs for tests are kept between runs. */
export function cacheFolder(server: string): string {
  return join(ROOT, '.cache', 'servers', server)
}

/**
 * Runs `make` unless `file` is there, in one process at a time: test files run side by side, and one fetches for all.
 * A lock whose process is gone is taken over.
 */
export async function madeOnce(file: string, folder: string, make: () => Promise<void>): Promise<boolean> {
  const lock = join(folder, 'lock')
  mkdirSync(folder, { recursive: true })
  for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_AGAIN_MS) {
    if (existsSync(file)) return true
    if (take(lock)) {
      try {
        if (!existsSync(file)) await make()
        return existsSync(file)
      } finally {
        rmSync(lock, { force: true })
      }
    }
    await wait(LOOK_AGAIN_MS)
  }
  return false
}

function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    const holder = Number(existsSync(lock) ? readFileSync(lock, 'utf8') : process.pid)
    if (Number.isInteger(holder) && holder > 0 && !isAlive(holder)) rmSync(lock, { force: true })
    return false
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}
