import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench, Case, Figures } from '../../bench.ts'
import { CLIENTS, type ClientName } from '../../floors/kafka/client.ts'
import { recordsFrom } from '../../floors/kafka/records.ts'
import { type Phase, rebalanceFigures } from './rebalance-figures.ts'

const MAX_SECONDS = 180
const BATCH = 256

let topics = 0
const newTopic = () => `bench${process.pid}x${topics++}`

export const publishes: readonly Case[] = CLIENTS.map((client) => ({
  name: `publish-${client}`,
  about: `${client} sends 256 events at a time, idempotent, acks=all`,
  against: [],
  async run(bench) {
    const { warmupMs, measureMs } = bench.flags
    await using program = await bench.fork('floors/kafka/publish.ts', [bench.kafka().brokers, newTopic(), client])
    return { [`publish-${client}`]: (await program.ask({ warmupMs, measureMs }, MAX_SECONDS)) as Figures }
  },
}))

/** Through the driver, which has either beneath it. */
export const portPublishes: readonly Case[] = CLIENTS.map((client) => ({
  name: `kafka-publish-${client}`,
  about: `publish through the port over ${client}, 256 in flight`,
  against: [`publish-${client}`],
  async run(bench) {
    const { warmupMs, measureMs } = bench.flags
    await using program = await bench.fork('subjects/kafka-publish.ts', [bench.kafka().brokers, newTopic(), client])
    return { [`kafka-publish-${client}`]: (await program.ask({ warmupMs, measureMs }, MAX_SECONDS)) as Figures }
  },
}))

export const consumes: readonly Case[] = CLIENTS.map((client) => ({
  name: `consume-${client}`,
  about: `${client} reads as a group of one what was stored before`,
  against: [],
  async run(bench) {
    const events = bench.flags.quick ? 51_200 : 102_400
    const topic = newTopic()
    await fill(bench, topic, events)
    const args = [bench.kafka().brokers, topic, client, String(events)]
    await using program = await bench.fork('floors/kafka/consume.ts', args)
    return { [`consume-${client}`]: (await program.ask({}, MAX_SECONDS)) as Figures }
  },
}))

/** With the same client for both, so that both read the same batches. */
async function fill(bench: Bench, topic: string, events: number): Promise<void> {
  const { openClient } = await import('../../floors/kafka/open-client.ts')
  await using client = await openClient('kafkajs', bench.kafka().brokers)
  await client.createTopic(topic)
  for (let from = 0; from < events; from += BATCH) await client.produce(topic, recordsFrom(from, BATCH))
}

const PER_SECOND = 2_000
const PHASE_MS = 5_000
/** More than a session: whoever was killed is missed after 10 s. */
const KILLED_MS = 18_000

export const rebalances: readonly Case[] = CLIENTS.map((client) => ({
  name: `rebalance-${client}`,
  about: `${client}: a second member joins, leaves, joins again and is killed, at ${PER_SECOND} events/s`,
  against: [],
  run: async (bench) => ({ [`rebalance-${client}`]: await rebalance(bench, client) }),
}))

async function rebalance(bench: Bench, client: ClientName): Promise<Figures> {
  const topic = newTopic()
  const { brokers } = bench.kafka()
  const folder = bench.dataDir()
  const files: string[] = []
  const member = () => {
    const file = join(folder, `member-${files.length}`)
    files.push(file)
    return bench.fork('floors/kafka/member.ts', [brokers, topic, client, file])
  }
  const phases: Phase[] = []
  const phase = async (name: string, ms: number, begin: () => Promise<void>) => {
    phases.push({ name, from: Date.now() })
    await begin()
    await new Promise((resolve) => setTimeout(resolve, ms))
  }
  await using steady = await bench.fork('floors/kafka/steady.ts', [brokers, topic, String(PER_SECOND)])
  await using first = await member()
  await using others = new AsyncDisposableStack()
  const join2 = async () => others.use(await member())
  await phase('alone', PHASE_MS, async () => {})
  let second: Awaited<ReturnType<typeof member>> | undefined
  await phase('join', PHASE_MS, async () => {
    second = await join2()
  })
  await phase('leave', PHASE_MS, async () => void (await second?.ask({}, MAX_SECONDS)))
  await phase('joinAgain', PHASE_MS, async () => {
    second = await join2()
  })
  await phase('kill', KILLED_MS, async () => void process.kill(second?.pid as number, 'SIGKILL'))
  const { sent } = (await steady.ask({}, MAX_SECONDS)) as { sent: number }
  await new Promise((resolve) => setTimeout(resolve, PHASE_MS))
  await first.ask({}, MAX_SECONDS)
  return rebalanceFigures(
    files.map((file) => readFileSync(file, 'utf8')),
    phases,
    sent,
  )
}
