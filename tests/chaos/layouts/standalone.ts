import { join } from 'node:path'
import { openEmbeddedDriver } from '@sluice/channel-embedded'
import { systemClock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { install } from '../../e2e/installation.ts'
import { type Layout, type LayoutOptions, Log } from './layout.ts'
import { contractIn, remainsOf } from './remains.ts'

/**
 * A copy that does not end at once is written after 250 ms at the latest, and until then its event's position is not
 * committed, with the copies of other triggers; then it waits for commits, each slow on a busy disk.
 */
const UNCOMMITTED_MS = 500

/** Starting is quick; the machine may be busy. */
const READY_MS = 30_000

/** All roles in the one process that `npm start` runs, over the embedded driver. */
export async function standalone({ manifests }: LayoutOptions): Promise<Layout> {
  const sluice = await install({ manifests: { 'all.yaml': manifests }, readyTimeoutMs: READY_MS })
  const log = new Log()
  const gone = async (signal: NodeJS.Signals) => {
    sluice.running.kill(signal)
    const exit = await sluice.running.exit
    log.add(sluice.running)
    return exit
  }
  return {
    name: 'standalone',
    ingressUrls: [`${sluice.ingressUrl}/default/default`],
    groups: [
      [
        {
          ...{ name: 'standalone', weight: 1, repeatsAfter: ['killed', 'killed twice'], uncommittedMs: UNCOMMITTED_MS },
          kill: async (signal) => void (await gone(signal)),
          start: sluice.restart,
          startDoomed: sluice.startDoomed,
          signal: (signal) => sluice.running.kill(signal),
        },
      ],
    ],
    async stop() {
      const { code, signal } = await gone('SIGTERM')
      if (code !== 0) throw new EventingError({ code: 'INTERNAL' }, `standalone ended with ${signal ?? code}, not 0`)
      const dataDir = sluice.env.SLUICE_DATA_DIR ?? ''
      const { log: telemetryLog } = createTestTelemetry()
      await using driver = await openEmbeddedDriver({ dataDir, clock: systemClock, log: telemetryLog })
      return await remainsOf(driver, contractIn(join(dataDir, 'contract.json')))
    },
    start: sluice.restart,
    logs: () => new Map([['standalone', String(log)]]),
    [Symbol.asyncDispose]: sluice[Symbol.asyncDispose],
  }
}
