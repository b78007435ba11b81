// A role of the data plane that follows a contract over HTTP, over a channel that stores nothing.
import { join } from 'node:path'
import { systemClock } from '@sluice/clock'
import { type ContractSource, httpSource } from '@sluice/contract'
import { startDispatcher } from '@sluice/dispatch'
import { startFilter } from '@sluice/filter'
import { startIngress } from '@sluice/ingress'
import { createTelemetry } from '@sluice/telemetry'
import '../load/program.ts'
import { nullDriver } from './memory-driver.ts'

type Start = (around: {
  readonly contract: ContractSource
  readonly driver: typeof nullDriver
  readonly replica: string
  readonly clock: typeof systemClock
  readonly telemetry: ReturnType<typeof createTelemetry>
}) => unknown

const ROLES = {
  ingress: (around) => startIngress({ ...around, host: '127.0.0.1', port: 0 }),
  filter: startFilter,
  dispatcher: (around) => startDispatcher({ ...around, admit: (reply) => reply }),
} satisfies Record<string, Start>

const [role = '', url = '', dataDir = ''] = process.argv.slice(2)
if (!(role in ROLES)) throw new Error(`a role, not ${role}`)
const name = role as keyof typeof ROLES
const telemetry = createTelemetry({ service: 'bench', logLevel: 'error' })
const copyPath = join(dataDir, `contract.${name}.json`)
const followed = await httpSource({ url, copyPath, roles: [name], replica: name, clock: systemClock, telemetry })

/** Rows handed to the role, and how often. */
const counts = { rows: 0, deltas: 0 }
const contract: ContractSource = {
  watch: (replica, apply) =>
    followed.watch(replica, (delta) => {
      const sizes = [...Object.values(delta.put), ...Object.values(delta.removed)].map((rows) => rows.length)
      counts.rows += sizes.reduce((sum, size) => sum + size, 0)
      counts.deltas += 1
      return apply(delta)
    }),
}
await ROLES[name]({ contract, driver: nullDriver, replica: name, clock: systemClock, telemetry })
process.on('message', () => process.send?.({ ...counts, rssMb: process.memoryUsage().rss / 1e6 }))
process.send?.({ port: 0 })
