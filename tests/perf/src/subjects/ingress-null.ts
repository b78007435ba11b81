// The ingress with everything on, over a channel that stores nothing.
import { startIngress } from '@sluice/ingress'
import '../load/program.ts'
import { surroundings } from './contract.ts'
import { nullDriver } from './memory-driver.ts'

const around = await surroundings([])
const ingress = await startIngress({ ...around, driver: nullDriver, host: '127.0.0.1', port: 0 })
process.send?.({ port: ingress.port })
