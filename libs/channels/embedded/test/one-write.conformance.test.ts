import { oneWrite } from '@sluice/channel'
import { channelConformance } from '@sluice/channel/conformance'
import { ShiftedClock } from '@sluice/testkit'
import { openEmbeddedDriver } from '../src/index.ts'
import { silent } from './folder.ts'

let clock = new ShiftedClock()

channelConformance('embedded, in memory, behind the one-write path', {
  open: async () => oneWrite(await openEmbeddedDriver({ dataDir: ':memory:', clock, log: silent }), clock),
  fresh: async () => {
    clock = new ShiftedClock()
  },
  persists: false,
  handsOutUnwritten: true,
  elapse: (ms) => clock.shift(ms),
  now: () => clock.now(),
})
