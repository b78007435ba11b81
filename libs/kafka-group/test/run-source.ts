import { systemClock } from '@sluice/clock'
import type { KafkaSourceRow } from '@sluice/contract'
import { kafkaSources } from '@sluice/source-kafka'
import { runSources } from '@sluice/source-runtime'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { createFakeDesk } from '@sluice/testkit'
import { openGroup } from '../src/index.ts'

/** A process that runs the source of the row in `ROW` until it is killed. */
const row = JSON.parse(process.env.ROW ?? '') as KafkaSourceRow
const telemetry = createTestTelemetry()
const desk = createFakeDesk<KafkaSourceRow>({ clock: systemClock })
runSources({
  ...{ desk: desk.replica(), clock: systemClock, telemetry },
  ...kafkaSources({
    telemetry,
    openGroup: (settings) => openGroup({ ...settings, clientId: 'test', log: telemetry.log, sessionMs: 1_500 }),
  }),
})
await desk.put(row)
setInterval(() => undefined, 60_000)
