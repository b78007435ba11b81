import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus, platform } from 'node:os'
import type { Figures } from './bench.ts'
import { median } from './load/latencies.ts'
import { judgeTargets, type Lookup, type Verdict } from './targets.ts'

/** Everything a run found, as it is written to the JSON file. */
export interface Results {
  readonly date: string
  readonly machine: string
  readonly node: string
  readonly commit: string
  readonly command: string
  readonly repeats: number
  readonly seconds: number
  readonly targets: readonly Verdict[]
  /** By measurement: the medians, and each repeat. */
  readonly measurements: Readonly<Record<string, { readonly median: Figures; readonly runs: readonly Figures[] }>>
}

/** Medians figure by figure over the repeats, and the verdicts. */
export function summarise(runs: ReadonlyMap<string, readonly Figures[]>) {
  const medians = new Map<string, Figures>()
  for (const [name, repeats] of runs) {
    const figures = Object.keys(repeats[0] ?? {})
    medians.set(name, Object.fromEntries(figures.map((key) => [key, median(repeats.map((run) => run[key] ?? NaN))])))
  }
  const repeats = Math.max(0, ...[...runs.values()].map((of) => of.length))
  const lookups = Array.from(
    { length: repeats },
    (_, repeat): Lookup =>
      (measurement, figure) =>
        runs.get(measurement)?.[repeat]?.[figure],
  )
  const measurements = Object.fromEntries(
    [...medians].map(([name, figures]) => [name, { median: figures, runs: runs.get(name) ?? [] }]),
  )
  return { targets: judgeTargets(lookups), measurements }
}

export function describeMachine(): Pick<Results, 'machine' | 'node' | 'commit'> {
  const { status, stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' })
  const model = cpus()[0]?.model ?? 'unknown processor'
  return {
    machine: `${availableParallelism()} × ${model}, ${platform()}`,
    node: process.version,
    commit: status === 0 ? stdout.trim() : 'unknown',
  }
}
