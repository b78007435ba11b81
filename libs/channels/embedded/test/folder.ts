import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from '@sluice/telemetry'

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'channel-embedded-'))
}

export function removeFolder(dataDir: string): void {
  rmSync(dataDir, { recursive: true, force: true })
}

const FILES = ['channel.db', 'channel.db-wal']
const TRIES = 500

/**
 * What kill -9 would leave, in a new folder: the files as they are, copied while the driver goes on. A copy during
 * which one of them changed is no state a process ever left, so it is made again.
 */
export async function crashCopy(dataDir: string): Promise<string> {
  const copy = newFolder()
  for (let i = 0; i < TRIES; i++) {
    const before = fingerprint(dataDir)
    for (const file of FILES) if (existsSync(join(dataDir, file))) copyFileSync(join(dataDir, file), join(copy, file))
    if (before === fingerprint(dataDir)) return copy
    await wait(1)
  }
  throw new Error(`the files in ${dataDir} never stood still`)
}

function fingerprint(dataDir: string): string {
  const facts = FILES.map((file) => statSync(join(dataDir, file), { bigint: true, throwIfNoEntry: false }))
  return facts.map((stat) => `${stat?.size} ${stat?.mtimeNs}`).join()
}
