import type { Case } from '../../bench.ts'
import { WINDOW } from '../saturated.ts'

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
