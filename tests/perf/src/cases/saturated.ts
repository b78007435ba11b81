import type { Replicas } from '../apart.ts'
import type { Bench, Case, Figures } from '../bench.ts'
import { manifestsWith } from '../manifests.ts'

/** As many events under way as the other floors have. */
export const WINDOW = { kind: 'window', size: 256 } as const

export interface Scenario {
  readonly replicas: Replicas
  readonly others?: number
  /** Of every service, besides what the backend needs. */
  readonly env?: Readonly<Record<string, string>>
  /** Of the trigger, per dispatcher. */
  readonly maxInFlight?: number
  /** The subscriber's. */
  readonly delayMs?: number
  /** Events under way. */
  readonly size?: number
}

/** Services apart over the backend of the run, `servers` being its processes, with as many events under way as they take. */
export const endToEnd = (
  name: string,
  about: string,
  against: readonly string[],
  scenario: Scenario,
  servers: (bench: Bench) => Readonly<Record<string, readonly number[]>>,
): Case => ({
  name,
  about,
  against,
  run: async (bench) => ({ [name]: await saturated(bench, scenario, servers(bench)) }),
})

async function saturated(
  bench: Bench,
  { replicas, others = 0, env = {}, maxInFlight, delayMs = 0, size = 256 }: Scenario,
  servers: Readonly<Record<string, readonly number[]>>,
): Promise<Figures> {
  const manifests = manifestsWith({
    sinkUrl: bench.sink.url,
    others,
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
  })
  await using services = await bench.apart(manifests, replicas, env)
  const { url, pids } = services
  const parts = { ...pids, ...servers }
  bench.delay(delayMs)
  try {
    const pid = pids.ingress?.[0] ?? 0
    return await bench.measure({ pid, parts, url, pacing: { kind: 'window', size }, toSink: true })
  } finally {
    bench.delay(0)
  }
}
