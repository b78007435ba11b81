import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { EventingError } from '@sluice/errors'
import { type RunningProcess, startApp } from '@sluice/testkit'
import { request } from 'undici'
import { freePort } from './free-port.ts'
import { Log, type Part } from './layout.ts'

/** Starting is quick; the machine may be busy, and what it waits for may be down for a while. */
const READY_MS = 60_000
const LOOK_MS = 50

export interface ServiceOptions extends Pick<Part, 'name' | 'weight' | 'repeatsAfter' | 'uncommittedMs'> {
  /** Folder of `apps`. */
  readonly app: string
  /** Of the installation; the service gets one of its own in it. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
}

/** One service of an installation in a process of its own. */
export interface Service extends Part, AsyncDisposable {
  /** SIGTERM; rejects with INTERNAL when it does not end with 0. */
  stop(): Promise<void>
  isReady(): Promise<boolean>
  readonly log: Log
}

/** Not started yet. */
export async function service({ app, folder, env, ...part }: ServiceOptions): Promise<Service> {
  const dataDir = join(folder, part.name)
  mkdirSync(dataDir)
  const controlPort = await freePort()
  const log = new Log()
  let running: RunningProcess | undefined

  const launch = () => startApp(app, dataDir, { CONTROL_PORT: String(controlPort), ...env })
  const gone = async (signal: NodeJS.Signals) => {
    running?.kill(signal)
    const exit = await running?.exit
    if (running !== undefined) log.add(running)
    return exit
  }
  const isReady = () =>
    request(`http://127.0.0.1:${controlPort}/readyz`).then(
      async ({ statusCode, body }) => {
        await body.dump()
        return statusCode === 200
      },
      () => false,
    )
  return {
    ...part,
    log,
    isReady,
    kill: async (signal) => void (await gone(signal)),
    async start() {
      running = await launch()
      let ended = false
      void running.exit.then(() => {
        ended = true
      })
      const until = performance.now() + READY_MS
      while (!(await isReady())) {
        if (ended || performance.now() > until) {
          const text = `${part.name} ${ended ? 'ended' : 'is not ready'}: ${running.stdout().slice(-4_000)}${running.stderr()}`
          throw new EventingError({ code: 'INTERNAL' }, text)
        }
        await wait(LOOK_MS)
      }
    },
    async startDoomed(ms) {
      running = await launch()
      await wait(ms)
      await gone('SIGKILL')
    },
    signal: (signal) => running?.kill(signal),
    async stop() {
      const { code, signal } = (await gone('SIGTERM')) ?? {}
      if (code === 0) return
      const text = `${part.name} ended with ${signal ?? code}, not 0:\n${log.toString().slice(-4_000)}`
      throw new EventingError({ code: 'INTERNAL' }, text)
    },
    async [Symbol.asyncDispose]() {
      await running?.[Symbol.asyncDispose]()
    },
  }
}
