import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { EventingError } from '@sluice/errors'
import {
  type KafkaServer,
  type NatsServer,
  provisionKafka,
  provisionNats,
  startKafka,
  startNats,
} from '@sluice/testkit'
import { type Apart, type Replicas, startApart } from './apart.ts'
import type { Flags } from './flags.ts'
import type { Job, Measure } from './load/job.ts'
import { forkProgram, type Program, type Standalone, startStandalone } from './processes.ts'
import { type Profiling, profileInto } from './profile.ts'

/** What one case measured, by figure. */
export type Figures = Readonly<Record<string, number>>

export interface Case {
  readonly name: string
  readonly about: string
  /** Cases it is compared with; `--only` runs them too. */
  readonly against: readonly string[]
  /** Left out by `--quick` unless asked for by name. */
  readonly isLong?: boolean
  /** Figures by measurement: `rate` under `standalone@8000` and so on. Starts and stops its own subject. */
  run(bench: Bench): Promise<Readonly<Record<string, Figures>>>
}

type JobOptions = Pick<Job, 'pid' | 'pacing'> & Partial<Job> & { readonly toSink?: boolean }

/** The processes around the one under test: one generator and one sink for the whole run. */
export interface Bench {
  readonly flags: Flags
  readonly sink: Program & { readonly url: string }
  /** Starts a process under test from one of our programs. */
  fork(file: string, args?: readonly string[]): Promise<Program>
  /** Starts the product with these manifests, over an empty data directory and on a free port unless one is named. */
  standalone(
    manifests: Readonly<Record<string, string>>,
    again?: { readonly dataDir: string; readonly ingressPort?: string },
  ): Promise<Standalone>
  /** Starts services of the product apart, over the run's backend. */
  apart(
    manifests: Readonly<Record<string, string>>,
    replicas: Replicas,
    env?: Readonly<Record<string, string>>,
  ): Promise<Apart>
  /** The nats-server of the whole run. Throws INTERNAL in a run over another driver. */
  readonly nats: () => NatsServer
  /** The Kafka of the whole run, likewise. */
  readonly kafka: () => KafkaServer
  /** Told to hang, the sink takes requests and never answers. */
  hang(isHanging: boolean): void
  /** The sink answers so long after a request. */
  delay(ms: number): void
  /** 64 connections and 1 KB unless said otherwise; `toSink` counts arrivals instead of 202s. */
  measure(options: JobOptions): Promise<Figures>
  /** A new empty folder on the disk the repository is on, removed at the end. */
  dataDir(): string
}

const MAX_SECONDS = 600

/** Starts generator and sink. Disposing `stack` ends them and removes every data folder. */
export async function openBench(flags: Flags, resultsDir: string, stack: AsyncDisposableStack): Promise<Bench> {
  const folder = mkdtempSync(join(resultsDir, 'data-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const sink = stack.use(await forkProgram('load/sink.ts'))
  const generator = stack.use(await forkProgram('load/generator.ts'))
  const profiling = flags.profile ? profileInto(resultsDir, flags.measureMs) : undefined
  const dataDir = () => mkdtempSync(join(folder, 'run-'))
  const nats = flags.driver === 'nats' ? stack.use(await provisioned(provisionNats, startNats)) : undefined
  const kafka = flags.driver === 'kafka' ? stack.use(await provisioned(provisionKafka, startKafka)) : undefined
  let installations = 0
  const sinkUrl = `http://127.0.0.1:${sink.port}`
  return {
    flags,
    sink: { ...sink, url: sinkUrl },
    nats: () => of('nats', nats),
    kafka: () => of('kafka', kafka),
    hang: (isHanging) => sink.send({ hang: isHanging }),
    delay: (ms) => sink.send({ delayMs: ms }),
    apart: (manifests, replicas, given = {}) => {
      const prefix = `bench-${process.pid}-${installations++}`
      const env =
        kafka === undefined
          ? { CHANNEL_DRIVER: 'nats', NATS_URL: of('nats', nats).url, NATS_PREFIX: prefix }
          : { CHANNEL_DRIVER: 'kafka', KAFKA_BROKERS: kafka.brokers, KAFKA_PREFIX: prefix }
      return startApart({ dataDir: dataDir(), manifests, replicas, env: { ...env, ...given } })
    },
    async measure({ toSink = false, ...options }) {
      const job: Job = {
        url: sinkUrl,
        connections: 64,
        bodyBytes: 1024,
        warmupMs: flags.warmupMs,
        measureMs: flags.measureMs,
        sinkPid: sink.pid,
        feedPort: toSink ? sink.feedPort : undefined,
        ...options,
      }
      const { measure, problem } = (await generator.ask(job, MAX_SECONDS)) as { measure?: Measure; problem?: string }
      if (measure === undefined) throw new EventingError({ code: 'INTERNAL' }, `generator: ${problem}`)
      return flat(measure)
    },
    dataDir,
    fork: (file, args) => profiled(profiling, (nodeArgs) => forkProgram(file, args, nodeArgs)),
    standalone: (manifests, again = { dataDir: dataDir() }) =>
      profiled(profiling, (nodeArgs) => startStandalone({ ...again, manifests, nodeArgs })),
  }
}

function of<T>(driver: string, server: T | undefined): T {
  if (server !== undefined) return server
  throw new EventingError({ code: 'INTERNAL' }, `this run has no such server: --driver ${driver}`)
}

/** A missing server is the configuration's fault, told with the ways to have one. */
async function provisioned<P extends { readonly report: string }, T>(
  provision: () => Promise<P>,
  start: (provisioned: P) => Promise<T | undefined>,
): Promise<T> {
  const found = await provision()
  const server = await start(found)
  if (server === undefined) throw new EventingError({ code: 'CONFIG_INVALID', problems: [found.report] }, found.report)
  process.stderr.write(`${found.report}\n`)
  return server
}

function flat({ ack, arrival, partsUs, ...figures }: Measure): Figures {
  const parts = Object.entries(partsUs).map(([role, us]) => [`${role}Us`, us])
  return {
    ...figures,
    ...(parts.length > 1 ? Object.fromEntries(parts) : {}),
    ackP50: ack.p50,
    ackP99: ack.p99,
    arrivalP50: arrival.p50,
    arrivalP99: arrival.p99,
  }
}

/** Has the process write down its profile when it ends, and prints the summary then. */
async function profiled<T extends AsyncDisposable>(
  profiling: Profiling | undefined,
  start: (nodeArgs: readonly string[]) => Promise<T>,
): Promise<T> {
  if (profiling === undefined) return start([])
  const subject = await start(profiling.nodeArgs)
  return {
    ...subject,
    async [Symbol.asyncDispose]() {
      await subject[Symbol.asyncDispose]()
      process.stderr.write(profiling.latest())
    },
  }
}
