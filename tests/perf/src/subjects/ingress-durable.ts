// The ingress over the embedded channel: its 202 comes after the fsync. Nobody reads the log.
import { openEmbeddedDriver } from '@sluice/channel-embedded'
import { startIngress } from '@sluice/ingress'
import '../load/program.ts'
import { surroundings } from './contract.ts'

const around = await surroundings([])
const { log } = around.telemetry
const driver = await openEmbeddedDriver({ dataDir: process.argv[2] ?? '', clock: around.clock, log })
const ingress = await startIngress({ ...around, driver, host: '127.0.0.1', port: 0 })
process.send?.({ port: ingress.port })
