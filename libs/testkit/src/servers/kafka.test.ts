import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, describe, expect, test } from '@jest/globals'
import { type KafkaServer, provisionKafka, startKafka } from './kafka.ts'
import { majorOf } from './kafka-jars.ts'

const RESTART_MS = 90_000
const ANSWERS = 'answers, and answers again on the same port after it was killed and started'

const provisioned = await provisionKafka()
process.stdout.write(`${provisioned.report}\n`)
const server = await startKafka(provisioned)

describe('a Kafka for tests', () => {
  test('is the one that KAFKA_BROKERS names, which nobody kills', async () => {
    const external = await provisionKafka({ KAFKA_BROKERS: 'one:9092,two:9092' })
    expect(external).toEqual({
      found: { kind: 'running', url: 'one:9092,two:9092' },
      report: 'Kafka: the one that KAFKA_BROKERS names',
    })
    const named = (await startKafka(external)) as KafkaServer
    expect(named).toMatchObject({ brokers: 'one:9092,two:9092', host: 'one', port: 9092, isOurs: false })
    await named[Symbol.asyncDispose]()
  })

  test.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['openjdk version "21" 2023-09-19', 21],
    ['java version "1.8.0_392"', 8],
    ['command not found', 0],
  ])('runs under a Java of a version that is read from %p', (output, major) => {
    expect(majorOf(output)).toBe(major)
  })

  if (server === undefined) test.skip(`${ANSWERS} (${provisioned.report})`, () => undefined)
  else {
    afterAll(async () => server[Symbol.asyncDispose]())
    test(
      ANSWERS,
      async () => {
        expect(await apiVersions(server)).toBe(0)
        if (!server.isOurs) return
        await server.kill('SIGKILL')
        await expect(apiVersions(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
        await server.start()
        expect(await apiVersions(server)).toBe(0)
      },
      RESTART_MS,
    )
  }
})

/** Kafka's ApiVersions request, version 0, with correlation id 7; answers the error code. */
async function apiVersions({ host, port }: KafkaServer): Promise<number> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    socket.write(Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff]))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.readInt32BE(4)).toBe(7)
    return answer.readInt16BE(8)
  } finally {
    socket.destroy()
  }
}
