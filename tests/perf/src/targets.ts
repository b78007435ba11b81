import { median } from './load/latencies.ts'

/** A figure of a measurement in one repeat; undefined when it was not measured. */
export type Lookup = (measurement: string, figure: string) => number | undefined

export interface Target {
  readonly what: string
  readonly target: string
  /** Undefined when a part of it was not measured. */
  readonly value: (of: Lookup) => number | undefined
  readonly isMet: (value: number, of: Lookup) => boolean
}

export interface Verdict {
  readonly what: string
  readonly target: string
  readonly measured: number
  readonly met: boolean
  /** Of each repeat. */
  readonly runs: readonly number[]
}

/** CPU of the floor per event, over CPU of the case: 1 is as cheap as the floor. */
const cheapness = (of: Lookup, name: string, floor: string) => over(of(floor, 'cpuUs'), of(name, 'cpuUs'))
const speed = (of: Lookup, name: string, floor: string) => over(of(name, 'rate'), of(floor, 'rate'))

function over(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b
}

type Figure = (of: Lookup) => number | undefined

const atLeast = (what: string, share: number, floor: string, value: Figure): Target => ({
  what,
  target: `≥ ${share.toFixed(2)} × ${floor}`,
  value,
  isMet: (measured) => measured >= share,
})

const atMost = (what: string, limit: number, unit: string, value: Figure): Target => ({
  what,
  target: `≤ ${limit} ${unit}`,
  value,
  isMet: (measured) => measured <= limit,
})

const MEMORY_MB = 250
/** Samples of resident memory wander by this much when nothing grows: the collector's rhythm. */
const FLAT = 1.15

export const TARGETS: readonly Target[] = [
  atMost('npm start, warm: ready', 3_000, 'ms', (of) => of('start', 'readyMs')),
  atLeast('ingress, nothing stored: CPU', 0.7, 'F1', (of) => cheapness(of, 'ingress-null', 'f1')),
  atLeast('ingress, durable 202: rate', 0.5, 'F1', (of) => speed(of, 'ingress-durable', 'f1')),
  atLeast('ingress at 1 MB, nothing stored: CPU', 0.75, 'F1', (of) => cheapness(of, 'ingress-null-1mb', 'f1-1mb')),
  atMost('filter, 10,000 exact triggers: CPU', 1.2, '× 1 trigger', (of) =>
    over(of('filter-10000', 'cpuUs'), of('filter-1', 'cpuUs')),
  ),
  atMost('filter, 1,000 CESQL triggers: CPU per event', 1000, 'µs', (of) => of('filter-cesql', 'cpuUs')),
  atLeast('dispatch from memory: CPU', 0.75, 'F2', (of) => cheapness(of, 'dispatch-memory', 'f2')),
  atLeast('end to end, saturated: rate', 0.7, 'F3', (of) => speed(of, 'standalone', 'f3')),
  atMost('end to end, 8,000 events/s: CPU', 2, '× F3', (of) =>
    over(of('standalone@8000', 'cpuUs'), of('f3@8000', 'cpuUs')),
  ),
  atLeast('10,000 triggers, 1 matches: rate', 0.85, '1 trigger', (of) => speed(of, 'many-triggers', 'standalone')),
  atLeast('10,000 triggers, 1 matches: CPU', 0.85, '1 trigger', (of) => cheapness(of, 'many-triggers', 'standalone')),
  atMost('half load: p50, send to arrival', 3, 'ms', (of) => of('standalone@half', 'arrivalP50')),
  {
    what: 'half load: p99, send to arrival',
    target: "≤ 30 ms or 10 × fsync's p99",
    value: (of) => of('standalone@half', 'arrivalP99'),
    isMet: (measured, of) => measured <= Math.max(30, 10 * (of('disk', 'fsyncP99') ?? 0)),
  },
  atLeast('publish through the port: rate', 0.9, 'N1', (of) => speed(of, 'publish', 'n1')),
  atLeast('end to end, one-write: rate', 0.65, 'N3', (of) => speed(of, 'one-write', 'n3')),
  atLeast('end to end, all apart: rate', 0.45, 'N3', (of) => speed(of, 'apart', 'n3')),
  atLeast('1,000 triggers that do not match: rate', 0.9, '1 trigger', (of) => speed(of, 'many-apart', 'apart')),
  atLeast('subscriber of 20 ms, 4 dispatchers: rate', 3.2, '1 dispatcher', (of) =>
    speed(of, 'dispatchers-4', 'dispatchers-1'),
  ),
  atLeast('subscriber of 100 ms, 4 dispatchers: rate', 3.2, '1 dispatcher', (of) =>
    speed(of, 'dispatchers-4-slower', 'dispatchers-1-slower'),
  ),
  atLeast('Kafka, publish through the port: rate', 0.9, 'K1', (of) =>
    speed(of, 'kafka-publish-platformatic', 'publish-platformatic'),
  ),
  atLeast('Kafka, the same over kafkajs: rate', 0.9, 'K1 of it', (of) =>
    speed(of, 'kafka-publish-kafkajs', 'publish-kafkajs'),
  ),
  atLeast('Kafka, end to end, one-write: rate', 0.65, 'K3', (of) => speed(of, 'kafka-one-write', 'k3')),
  atLeast('Kafka, end to end, all apart: rate', 0.45, 'K3', (of) => speed(of, 'kafka-apart', 'k3')),
  atLeast('Kafka, 10 triggers, 1 matches: rate', 0.9, '1 trigger', (of) => speed(of, 'kafka-ten', 'kafka-apart')),
  atMost('10,000 triggers: one changed, in force apart: p99', 200, 'ms', (of) => of('contract', 'changeP99')),
  atMost('10,000 triggers: rows told beside the changed', 0, 'rows', (of) => of('contract', 'disturbedRows')),
  atMost('10,000 triggers: rows told after a restart', 0, 'rows', (of) => of('contract', 'restartRows')),
  atMost('10,000 triggers: memory of the contract server', 400, 'MB', (of) => of('contract', 'serverMb')),
  atMost('1,000 brokers, 10,000 triggers by 16 connections', 60, 's', (of) => of('control-plane', 'createdS')),
  atMost('the same, created to Ready', 60, 's', (of) => of('control-plane', 'readyAfterS')),
  atMost('the same, memory of standalone: peak', 400, 'MB', (of) => of('control-plane', 'peakMb')),
  atMost('the same, statuses written per object', 2, '', (of) => of('control-plane', 'statusWritesPerObject')),
  atMost('the same, one changed: Ready again, p99', 200, 'ms', (of) => of('control-plane', 'changeP99')),
  atMost('the same, killed and restarted: statuses written', 0, '', (of) => of('control-plane', 'restartStatusWrites')),
  atMost('the same, killed and restarted: contract revisions', 0, '', (of) => of('control-plane', 'restartRevisions')),
  atMost('memory, a million events: peak', MEMORY_MB, 'MB', (of) => of('memory-million', 'peakMb')),
  atMost('memory, a million events: growth', FLAT, '×', (of) => of('memory-million', 'growth')),
  atMost('memory, backlog of 400,000: peak', MEMORY_MB, 'MB', (of) => of('memory-backlog', 'peakMb')),
  atMost('memory, backlog of 400,000: growth', FLAT, '×', (of) => of('memory-backlog', 'growth')),
]

/**
 * Judges what was measured, repeat by repeat, since what runs within one repeat had the same neighbours; the median
 * counts. Targets without a figure are left out.
 */
export function judgeTargets(repeats: readonly Lookup[], targets: readonly Target[] = TARGETS): Verdict[] {
  return targets.flatMap(({ what, target, value, isMet }) => {
    const judged = repeats.flatMap((of) => {
      const measured = value(of)
      return measured === undefined ? [] : [{ measured, met: isMet(measured, of) }]
    })
    if (judged.length === 0) return []
    const met = judged.filter((one) => one.met).length * 2 > judged.length
    const runs = judged.map(({ measured }) => measured)
    return [{ what, target, measured: median(runs), met, runs }]
  })
}
