import type { ChannelDriver } from '@sluice/channel'
import { channelConformance } from '@sluice/channel/conformance'
import { ShiftedClock } from '@sluice/testkit'
import { openEmbeddedDriver } from '../src/index.ts'
import { crashCopy, newFolder, removeFolder, silent } from './folder.ts'

const folders: string[] = []
let clock = new ShiftedClock()

const inMemory = {
  open: () => openEmbeddedDriver({ dataDir: ':memory:', clock, log: silent }),
  fresh: async () => {
    clock = new ShiftedClock()
  },
  persists: false,
  elapse: (ms: number) => clock.shift(ms),
  now: () => clock.now(),
}

channelConformance('embedded, in a folder', {
  ...inMemory,
  open: () => openEmbeddedDriver({ dataDir: folders.at(-1) as string, clock, log: silent }),
  fresh: async () => {
    clock = new ShiftedClock()
    folders.push(newFolder())
  },
  persists: true,
  async crash(driver: ChannelDriver) {
    folders.push(await crashCopy(folders.at(-1) as string))
    void driver
  },
  async cleanUp() {
    for (const folder of folders.splice(0)) removeFolder(folder)
  },
})

channelConformance('embedded, in memory', inMemory)
