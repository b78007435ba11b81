import { lstat, readdir, rm, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Clock, sleep } from '@sluice/clock'
import type { Telemetry } from '@sluice/telemetry'

const HOUR_MS = 3_600_000
/** A live process says every hour that it is there. */
const SURELY_GONE_MS = 3 * HOUR_MS
const KEPT_MS = 7 * 24 * HOUR_MS
const MOST_KEPT = 8

export interface LeftoversDeps {
  /** What this process keeps, a file or a folder; need not be there yet. */
  readonly own: string
  /** How the names of its kind begin, in the same folder: one of those that another process of the kind left. */
  readonly prefix: string
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/**
 * For data directories that replicas share, where one that has come under a new name leaves behind what it kept under
 * the old. Now and every hour it says that `own` is in use, by its time, and removes of the same kind what nobody has
 * used for 7 days, and of what nobody has used for 3 hours all but the newest 8. Never throws. Disposing ends it.
 */
export function removeLeftovers(deps: LeftoversDeps): AsyncDisposable {
  const stopped = new AbortController()
  const running = run(deps, stopped.signal)
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await running
    },
  }
}

async function run(deps: LeftoversDeps, signal: AbortSignal): Promise<void> {
  const { own, clock, telemetry } = deps
  while (!signal.aborted) {
    const now = clock.now()
    for (const path of await ownPaths(own)) await utimes(path, now / 1_000, now / 1_000).catch(() => undefined)
    const left = await leftBy(deps, now)
    for (const { path, unusedMs } of left.flatMap(({ paths, ...of }) => paths.map((path) => ({ path, ...of })))) {
      const failed = await rm(path, { recursive: true, force: true }).catch((error: unknown) => error)
      const fields = { path, unusedHours: Math.round(unusedMs / HOUR_MS) }
      if (failed === undefined) telemetry.log.info(fields, 'removed what a replica left that is gone')
      else telemetry.log.warn({ ...fields, err: failed }, 'what a replica left can not be removed')
    }
    await sleep(clock, HOUR_MS, signal)
  }
}

/** With what lies beside it under its name and a suffix. */
async function ownPaths(own: string): Promise<readonly string[]> {
  const names = await readdir(dirname(own)).catch(() => [])
  const beside = names.filter((name) => name.startsWith(`${basename(own)}.`))
  return [own, ...beside.map((name) => join(dirname(own), name))]
}

interface Left {
  readonly paths: readonly string[]
  readonly unusedMs: number
}

/** A file and those beside it that have its name and a suffix go together, by the newest of them. */
async function leftBy({ own, prefix }: LeftoversDeps, now: number): Promise<readonly Left[]> {
  const folder = dirname(own)
  const names = await readdir(folder).catch(() => [])
  const found = new Map<string, Left>()
  for (const name of names) {
    if (!name.startsWith(prefix) || name === basename(own) || name.startsWith(`${basename(own)}.`)) continue
    const path = join(folder, name)
    const changed = await lastUse(path)
    if (changed === undefined) continue
    const stem = name.replace(/\.json\..*$/, '.json')
    const { paths = [], unusedMs = Number.POSITIVE_INFINITY } = found.get(stem) ?? {}
    found.set(stem, { paths: [...paths, path], unusedMs: Math.min(unusedMs, now - changed) })
  }
  const left = [...found.values()].filter(({ unusedMs }) => unusedMs > SURELY_GONE_MS)
  left.sort((a, b) => a.unusedMs - b.unusedMs)
  return left.filter(({ unusedMs }, i) => i >= MOST_KEPT || unusedMs > KEPT_MS)
}

/** Undefined for what is gone meanwhile, and for what no process of ours makes. */
async function lastUse(path: string): Promise<number | undefined> {
  const stats = await lstat(path).catch(() => undefined)
  return stats?.isFile() || stats?.isDirectory() ? stats.mtimeMs : undefined
}
