import type { Case } from '../../bench.ts'
import { endToEnd as endToEndOver, type Scenario, WINDOW } from '../saturated.ts'

/** The server is not among the parts: one that others use has no process here. */
const endToEnd = (name: string, about: string, against: readonly string[], scenario: Scenario) =>
  endToEndOver(name, about, against, scenario, () => ({}))

export const k3: Case = {
  name: 'k3',
  about: 'floor: node:http, kafkajs, POST: 60 lines in two processes, 256 events under way',
  against: [],
  async run(bench) {
    const { brokers } = bench.kafka()
    const topic = `k3x${Date.now().toString(36)}`
    await using ingress = await bench.fork('floors/kafka/ingress.ts', [brokers, topic])
    await using dispatch = await bench.fork('floors/kafka/dispatch.ts', [brokers, topic, bench.sink.url])
    const target = { pid: ingress.pid, url: `http://127.0.0.1:${ingress.port}/default/default` }
    const parts = { ingress: [ingress.pid], dispatch: [dispatch.pid] }
    return { k3: await bench.measure({ ...target, parts, pacing: WINDOW, toSink: true }) }
  },
}

const APART = { ingress: 1, filter: 1, dispatcher: 1 }

export const oneWrite = endToEnd('kafka-one-write', 'ingress and filter-dispatcher, 1 trigger', ['k3'], {
  replicas: { ingress: 1, 'filter-dispatcher': 1 },
})
export const oneWriteKafkajs = endToEnd('kafka-one-write-kafkajs', 'the same over kafkajs', ['kafka-one-write'], {
  replicas: { ingress: 1, 'filter-dispatcher': 1 },
  env: { KAFKA_CLIENT: 'kafkajs' },
})
export const apart = endToEnd('kafka-apart', 'ingress, filter and dispatcher, 1 trigger', ['k3'], { replicas: APART })
export const tenTriggers = endToEnd('kafka-ten', 'the same with 10 triggers of which 1 matches', ['kafka-apart'], {
  replicas: APART,
  others: 9,
})
