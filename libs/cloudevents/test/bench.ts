// Microseconds per event of the codecs. Run by hand: node libs/cloudevents/test/bench.ts
import { Buffer } from 'node:buffer'
import { decodeHttp, encodeBinary, encodeStructured, eventBytes, withAttributes } from '../src/index.ts'

const EVENTS = 2000
const ROUNDS = 120
const WARM_UP = 20

const HEADERS = [
  ...['Host', 'localhost:8080', 'Connection', 'keep-alive', 'ce-specversion', '1.0'],
  ...['ce-id', '0b3e2f1c-6f55-4d3b-9f0e-8d2b7a1c2d3e', 'ce-source', '/apis/v1/namespaces/default/pingsources/p'],
  ...['ce-type', 'dev.knative.sources.ping', 'ce-subject', 'orders/42', 'ce-time', '2026-11-23T23:50:36.123456Z'],
  ...['ce-partitionkey', 'customer-17', 'content-type', 'application/json', 'content-length', '1024'],
]
const items = Array.from({ length: 16 }, (_, i) => ({ sku: `sku-${i}`, quantity: i, price: i * 1.25, note: 'plain' }))
const body = Buffer.from(JSON.stringify({ items }))

/** New strings each time, unhashed and not interned, as the HTTP parser makes them. */
function freshHeaders(): string[] {
  return HEADERS.map((text) => Buffer.from(text, 'latin1').toString('latin1'))
}

const timings = new Map<string, number[]>()

function time<T, R>(label: string, inputs: readonly T[], run: (input: T) => R): R[] {
  const results: R[] = new Array(inputs.length)
  const started = process.hrtime.bigint()
  for (let i = 0; i < inputs.length; i++) results[i] = run(inputs[i] as T)
  const us = Number(process.hrtime.bigint() - started) / 1000 / inputs.length
  timings.set(label, [...(timings.get(label) ?? []), us])
  return results
}

for (let round = 0; round < ROUNDS; round++) {
  const messages = Array.from({ length: EVENTS }, freshHeaders)
  const events = time('decodeHttp binary, 7 ce headers', messages, (headers) => decodeHttp(headers, body)).map(
    ({ events: [event] }) => event as NonNullable<typeof event>,
  )
  const changes = { knativebrokerttl: 255, knativearrivaltime: '2026-11-23T23:50:36.123Z' }
  const admitted = time('withAttributes, two', events, (event) => withAttributes(event, changes))
  time('eventBytes', admitted, eventBytes)
  time('encodeBinary, 9 attributes', admitted, encodeBinary)
  const envelopes = time('encodeStructured, JSON validated', admitted.slice(0, 500), encodeStructured)
  time('decodeHttp structured', envelopes, (message) => decodeHttp(['content-type', message.contentType], message.body))
  time('JSON.parse of the same envelope', envelopes, (message) => JSON.parse(message.body.toString('utf8')))
}

for (const [label, all] of timings) {
  const sorted = all.slice(WARM_UP).sort((a, b) => a - b)
  const median = sorted[sorted.length >> 1] as number
  console.log(`${label.padEnd(34)} median ${median.toFixed(2)} us, best ${(sorted[0] as number).toFixed(2)} us`)
}
