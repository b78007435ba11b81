import type { Bench, Case, Figures } from '../../bench.ts'
import { CLIENTS, type ClientName } from '../../floors/kafka/client.ts'
import { openClient } from '../../floors/kafka/open-client.ts'
import { recordOf } from '../../floors/kafka/records.ts'

/** One retry is the least that the one takes when idempotent. */
const PATIENCE = { requestMs: 1_500, retries: 1 }
const STEP_MS = 20_000
const SETTLE_MS = 3_000
/** All of one partition. */
const EVERY = 8
const AFTERS = [2, 3, 4]

/** What a producer that is kept does after an answer that never came. */
export const unanswered: readonly Case[] = CLIENTS.map((client) => ({
  name: `unanswered-${client}`,
  about: `${client} goes on with its producer after a batch that was stored and not answered`,
  against: [],
  run: async (bench) => ({ [`unanswered-${client}`]: await goOn(bench, client) }),
}))

async function goOn(bench: Bench, name: ClientName): Promise<Figures> {
  const kafka = bench.kafka()
  const topic = `unanswered-${name}-${Date.now()}`
  const client = await openClient(name, kafka.brokers, PATIENCE)
  await client.createTopic(topic)
  const send = (n: number) =>
    Promise.race([
      client.produce(topic, [recordOf(n * EVERY)]).then(
        (): string[] => [String(n * EVERY)],
        (): string[] => [],
      ),
      wait(STEP_MS).then((): string[] => []),
    ])
  const answered = await send(0)
  await kafka.pause()
  const refused = await send(1)
  kafka.resume()
  await wait(SETTLE_MS)
  for (const n of AFTERS) answered.push(...(await send(n)))
  const found = new Set<string>()
  await using reader = await openClient('kafkajs', kafka.brokers)
  await using _ = await reader.consume(topic, topic, (id) => void found.add(id))
  await wait(SETTLE_MS)
  await Promise.race([client[Symbol.asyncDispose](), wait(STEP_MS)])
  return {
    refused: refused.length === 0 ? 1 : 0,
    answered: answered.length,
    lost: answered.filter((id) => !found.has(id)).length,
    storedOfRefused: found.has(String(EVERY)) ? 1 : 0,
  }
}

async function wait(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
