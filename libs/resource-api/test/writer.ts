import { systemClock } from '@sluice/clock'
import { failureOf } from '@sluice/errors'
import { openRegistry } from '@sluice/resource-api'
import { apiTable, type ServedVersion } from '@sluice/resources/api'
import { createTestTelemetry } from '@sluice/telemetry/testing'

/** `node writer.ts FILE BYTES`: 16 writers create ConfigMaps of BYTES and say of each once it is answered. */
const [path = '', bytes = '100'] = process.argv.slice(2)
const table = apiTable()
const served = table.ofKind('v1', 'ConfigMap') as ServedVersion
const registry = await openRegistry({ path, table, clock: systemClock, telemetry: createTestTelemetry() })
const data = { text: 'x'.repeat(Number(bytes)) }
let last = registry.list(served, {}).items.length

async function write(): Promise<void> {
  for (;;) {
    const name = `m${last++}`
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
    try {
      const written = await registry.create(served, 'default', object, { fieldManager: 'writer' })
      process.stdout.write(`stored ${name} ${written.object.metadata.resourceVersion}\n`)
    } catch (error) {
      const failure = failureOf(error)
      const reason = failure.code === 'RESOURCE_REFUSED' ? failure.reason : failure.code
      const { length } = registry.list(served, {}).items
      process.stdout.write(`refused ${reason} with ${length} to be read: ${(error as Error).message}\n`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

await Promise.all(Array.from({ length: 16 }, write))
