import type { Bench, Case } from '../bench.ts'
import { percentiles } from '../load/latencies.ts'

const CHANGES = 500
const ROLES = ['ingress', 'filter', 'dispatcher']
/** Of one trigger: its route and its delivery. */
const ROWS_PER_CHANGE = 2
const MAX_SECONDS = 120

interface Changed {
  readonly changesMs: number[]
  readonly changeCpuUs: number
  readonly rssMb: number
}
interface Told {
  readonly rows: number
  readonly rssMb: number
}

/** How fast a changed trigger is in force in three services apart, and what else they are told of: nothing. */
export const contract: Case = {
  name: 'contract',
  about: '1,000 brokers, 10,000 triggers: a changed trigger to three services apart, and a restart of the controller',
  against: [],
  async run(bench: Bench) {
    const serverDir = bench.dataDir()
    await using stack = new AsyncDisposableStack()
    const server = await bench.fork('subjects/contract-server.ts', [serverDir])
    const url = `http://127.0.0.1:${server.port}`
    const startedAt = performance.now()
    const start = (role: string) => bench.fork('subjects/contract-reader.ts', [role, url, bench.dataDir()])
    const readers = await Promise.all(ROLES.map(start))
    for (const reader of readers) stack.use(reader)
    await server.ask({}, MAX_SECONDS)
    const firstMs = performance.now() - startedAt
    const told = () => Promise.all(readers.map((reader) => reader.ask({}, MAX_SECONDS) as Promise<Told>))
    const rowsOf = (all: readonly Told[]) => all.reduce((sum, { rows }) => sum + rows, 0)

    const before = rowsOf(await told())
    const { changesMs, changeCpuUs, rssMb } = (await server.ask({ count: CHANGES }, MAX_SECONDS)) as Changed
    const after = rowsOf(await told())
    await server[Symbol.asyncDispose]()
    stack.use(await bench.fork('subjects/contract-server.ts', [serverDir, String(server.port)])).send({})
    await new Promise((resolve) => setTimeout(resolve, 5_000)) // they come back within 3 s
    const all = await told()
    const { p50, p99 } = percentiles(changesMs)
    return {
      contract: {
        firstMs,
        changeP50: p50,
        changeP99: p99,
        changeCpuUs,
        disturbedRows: after - before - CHANGES * ROLES.length * ROWS_PER_CHANGE,
        restartRows: rowsOf(all) - after,
        serverMb: rssMb,
        readerMb: Math.max(...all.map((reader) => reader.rssMb)),
      },
    }
  },
}
