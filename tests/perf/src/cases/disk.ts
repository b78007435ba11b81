import { closeSync, fdatasync, openSync, write } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Case } from '../bench.ts'
import { percentiles } from '../load/latencies.ts'

const BLOCK = Buffer.alloc(20 * 1024, 7)
const ROUNDS = 300

/** What this disk asks for a durable write: 20 KB appended, then fdatasync, in milliseconds. */
export const disk: Case = {
  name: 'disk',
  about: 'append 20 KB and fdatasync',
  against: [],
  async run(bench) {
    const file = openSync(join(bench.dataDir(), 'fsync'), 'w')
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      const start = performance.now()
      await promisify(write)(file, BLOCK)
      await promisify(fdatasync)(file)
      times.push(performance.now() - start)
    }
    closeSync(file)
    const { p50, p99 } = percentiles(times)
    return { disk: { fsyncP50: p50, fsyncP99: p99 } }
  },
}
