import { sideBySide } from '@sluice/channel'
import { channelConformance } from '@sluice/channel/conformance'
import { ShiftedClock } from '@sluice/testkit'
import { openEmbeddedDriver } from '../src/index.ts'
import { silent } from './folder.ts'

let clock = new ShiftedClock()
const open = () => openEmbeddedDriver({ dataDir: ':memory:', clock, log: silent })

channelConformance('embedded, in memory, beside another', {
  open: async () => {
    const [here, beside] = await Promise.all([open(), open()])
    return sideBySide(
      new Map([
        ['here', here],
        ['beside', beside],
      ]),
    )
  },
  fresh: async () => {
    clock = new ShiftedClock()
  },
  persists: false,
  elapse: (ms) => clock.shift(ms),
  now: () => clock.now(),
})
