import { type Clock, sleep } from '@sluice/clock'

/** Undefined when all is well, else the reason for a person to read. */
export type ReadyCheck = () => string | undefined | Promise<string | undefined>

type Level = string | { readonly replicas: number }

/** The level a channel driver declares: an accepted event survives that much. Of several drivers by their names. */
export type DurableLevel = Level | Readonly<Record<string, Level>>

export interface ReadinessReport {
  readonly ready: boolean
  readonly durable?: DurableLevel
  readonly checks: readonly { readonly name: string; readonly ready: boolean; readonly reason?: string }[]
  /** What a person should look at although the service takes and delivers events. Absent when there is nothing. */
  readonly warnings?: readonly { readonly name: string; readonly reason: string }[]
}

export interface Readiness {
  /** Adds a check, or replaces the one of that name; disposing removes it. */
  ready(name: string, check: ReadyCheck): Disposable
  /** The same for what is reported and leaves the service ready. */
  warn(name: string, check: ReadyCheck): Disposable
  durable(level: DurableLevel): void
  /** Runs all checks at once. One that throws, or takes over a second, is not ready; of a warning, is one. */
  report(): Promise<ReadinessReport>
}

const CHECK_LIMIT_MS = 1000

export function createReadiness(clock: Clock): Readiness {
  const checks = new Map<string, ReadyCheck>()
  const warnings = new Map<string, ReadyCheck>()
  let durableLevel: DurableLevel | undefined
  return {
    ready: (name, check) => add(checks, name, check),
    warn: (name, check) => add(warnings, name, check),
    durable(level) {
      durableLevel = level
    },
    async report() {
      const [results, warned] = await Promise.all([runAll(checks, clock), runAll(warnings, clock)])
      const found = warned.flatMap(({ name, reason }) => (reason === undefined ? [] : [{ name, reason }]))
      return {
        ready: results.every(({ reason }) => reason === undefined),
        ...(durableLevel === undefined ? {} : { durable: durableLevel }),
        checks: results.map(({ name, reason }) =>
          reason === undefined ? { name, ready: true } : { name, ready: false, reason },
        ),
        ...(found.length > 0 && { warnings: found }),
      }
    },
  }
}

function add(to: Map<string, ReadyCheck>, name: string, check: ReadyCheck): Disposable {
  to.set(name, check)
  return {
    [Symbol.dispose]: () => {
      if (to.get(name) === check) to.delete(name)
    },
  }
}

function runAll(checks: ReadonlyMap<string, ReadyCheck>, clock: Clock) {
  return Promise.all([...checks].map(async ([name, check]) => ({ name, reason: await run(check, clock) })))
}

async function run(check: ReadyCheck, clock: Clock): Promise<string | undefined> {
  const answered = new AbortController()
  try {
    const late = sleep(clock, CHECK_LIMIT_MS, answered.signal).then(() => `no answer within ${CHECK_LIMIT_MS} ms`)
    return await Promise.race([check(), late])
  } catch (error) {
    return String((error as { message?: unknown } | null)?.message ?? error)
  } finally {
    answered.abort()
  }
}
