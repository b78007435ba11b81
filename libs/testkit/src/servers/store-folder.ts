import { accessSync, constants, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
/** Suites take 0.1 GB, and a server dies of a file in mapped memory that finds no room. */
const ROOM_BYTES = 2 * 1024 ** 3
const NAME = 'sluice-store-'

/**
 * A new folder for what a server stores during tests: in memory where there is room, since waiting for disks proves nothing
 * about a process that is killed. What runs that were killed left is removed.
 */
export function newStoreFolder(memory = MEMORY): string {
  const parent = hasRoom(memory) ? memory : tmpdir()
  for (const name of readdirSync(parent)) {
    const [, pid] = /^sluice-store-(\d+)-/.exec(name) ?? []
    if (pid !== undefined && !isThere(Number(pid))) rmSync(join(parent, name), { recursive: true, force: true })
  }
  return mkdtempSync(join(parent, `${NAME}${process.pid}-`))
}

function hasRoom(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    const { bavail, bsize } = statfsSync(folder)
    return Math.min(bavail * bsize, freemem()) >= ROOM_BYTES
  } catch {
    return false
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
