import type { Bench, Case, Figures } from '../bench.ts'
import { median } from '../load/latencies.ts'
import { rssMb } from '../load/usage.ts'
import { manifestsWith } from '../manifests.ts'

const SAMPLE_MS = 500

/** Samples resident memory until `work` is done. `growth` is the median of the last quarter over that of the second. */
async function sampled(pid: number, work: Promise<Figures>): Promise<Figures> {
  const samples: number[] = []
  const timer = setInterval(() => samples.push(rssMb(pid)), SAMPLE_MS)
  const { rate = 0, errors = 0 } = await work.finally(() => clearInterval(timer))
  const quarter = Math.floor(samples.length / 4)
  const last = median(samples.slice(-quarter))
  return {
    rate,
    errors,
    peakMb: Math.max(...samples),
    lastMb: last,
    growth: last / median(samples.slice(quarter, quarter * 2)),
  }
}

const startWithOneTrigger = (bench: Bench) => bench.standalone(manifestsWith({ sinkUrl: bench.sink.url, others: 0 }))

const UNTIL = { warmupMs: 0, measureMs: 240_000 }

export const memoryMillion: Case = {
  name: 'memory-million',
  about: 'resident memory of standalone while a million events pass',
  against: [],
  isLong: true,
  async run(bench) {
    await using subject = await startWithOneTrigger(bench)
    const { pid, url } = subject
    const work = bench.measure({
      ...UNTIL,
      pid,
      url,
      pacing: { kind: 'window', size: 256 },
      toSink: true,
      events: 1_000_000,
    })
    return { 'memory-million': await sampled(pid, work) }
  },
}

export const memoryBacklog: Case = {
  name: 'memory-backlog',
  about: 'resident memory of standalone while 400,000 events pile up behind a subscriber that hangs',
  against: [],
  isLong: true,
  async run(bench) {
    await using subject = await startWithOneTrigger(bench)
    const { pid, url } = subject
    bench.hang(true)
    const work = bench.measure({ ...UNTIL, pid, url, pacing: { kind: 'rate', perSecond: 20_000 }, events: 400_000 })
    const figures = await sampled(pid, work).finally(() => bench.hang(false))
    return { 'memory-backlog': figures }
  },
}
