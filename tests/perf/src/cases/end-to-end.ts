import type { Bench, Case, Figures } from '../bench.ts'
import { manifestsWith } from '../manifests.ts'

const PACED_RATE = 8_000
const WINDOW = { kind: 'window', size: 256 } as const

interface Subject {
  readonly pid: number
  readonly url: string
}

/** Saturated first: what follows then runs on warm code. */
const saturated = (bench: Bench, { pid, url }: Subject) => bench.measure({ pid, url, pacing: WINDOW, toSink: true })

const paced = (bench: Bench, { pid, url }: Subject, perSecond: number): Promise<Figures> =>
  bench.measure({ pid, url, pacing: { kind: 'rate', perSecond }, toSink: true })

const startWith = (bench: Bench, others: number) => bench.standalone(manifestsWith({ sinkUrl: bench.sink.url, others }))

export const f3: Case = {
  name: 'f3',
  about: 'floor: a broker in memory, 60 lines, 1 trigger, 256 events under way',
  against: [],
  async run(bench) {
    await using program = await bench.fork('floors/in-memory.ts', [bench.sink.url])
    const subject = { pid: program.pid, url: `http://127.0.0.1:${program.port}/default/default` }
    return { f3: await saturated(bench, subject), [`f3@${PACED_RATE}`]: await paced(bench, subject, PACED_RATE) }
  },
}

export const standalone: Case = {
  name: 'standalone',
  about: 'standalone end to end, durable, 1 trigger, 256 events under way',
  against: ['f3', 'disk'],
  async run(bench) {
    await using subject = await startWith(bench, 0)
    const most = await saturated(bench, subject)
    return {
      standalone: most,
      [`standalone@${PACED_RATE}`]: await paced(bench, subject, PACED_RATE),
      'standalone@half': await paced(bench, subject, Math.round((most.rate ?? 0) / 2)),
    }
  },
}

export const manyTriggers: Case = {
  name: 'many-triggers',
  about: 'the same with 10,000 triggers of which 1 matches',
  against: ['standalone'],
  async run(bench) {
    await using subject = await startWith(bench, 9_999)
    return { 'many-triggers': await saturated(bench, subject) }
  },
}
