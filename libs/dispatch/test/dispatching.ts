import { type CloudEvent, withAttributes } from '@sluice/cloudevents'
import type { DeliveryRow } from '@sluice/contract'
import type { Answer, Endpoint, OutgoingRequest, Response } from '@sluice/sender'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { VirtualClock } from '@sluice/testkit'
import { dispatch } from '../src/dispatch.ts'
import { dispatcherEvents, dispatchTelemetry } from '../src/events.ts'
import { orphaned } from '../src/orphan.ts'
import { Program } from '../src/program.ts'
import { deltaOf, type FakeDelivery, FakeDriver, LOG, rowOf } from './fake-queue.ts'

export const SUBSCRIBER = 'http://subscriber.test/path'
export const SINK = 'http://sink.test/'
export const withSink = { deadLetterSink: { url: SINK, internal: false } }

export function answerOf(status: number, facts: Partial<Response> = {}): Response {
  const body = facts.body ?? Buffer.alloc(0)
  const rest = { headers: [], bodyBytes: body.length, isCloudEvent: false, isCut: false }
  return { kind: 'response', status, ...rest, ...facts, body }
}

export function replyOf(status = 200, facts: Partial<Response> & { more?: string[] } = {}): Response {
  const { more = [], ...rest } = facts
  const headers = ['ce-specversion', '1.0', 'ce-id', 'r', 'ce-source', '/r', 'ce-type', 'reply', ...more]
  return answerOf(status, { isCloudEvent: true, headers, body: Buffer.from('reply data'), ...rest })
}

/** A dispatcher without queues and HTTP: every request takes the next answer. */
export function started(row: Partial<DeliveryRow> = {}, ...answers: (Answer | number)[]) {
  const fake = new FakeDriver()
  const telemetry = createTestTelemetry()
  const requests: { url: string; headers: Record<string, string>; request: OutgoingRequest }[] = []
  const shared = dispatchTelemetry(telemetry)
  const clock = new VirtualClock()
  const program = new Program({ telemetry: shared, ingressUrl: 'http://in', adopt() {}, forget() {}, clock, wake() {} })
  program.apply(deltaOf({ logs: [LOG], deliveries: [rowOf(row)] }))
  const revision = () => program.revision
  const state = { admit: (event: CloudEvent) => withAttributes(event, { admitted: true }) }
  const deps = {
    ...{ driver: fake, telemetry, revision, clock, random: () => 0 },
    sender: {
      async post({ url }: Endpoint, request: OutgoingRequest): Promise<Answer> {
        const pairs = Array.from({ length: request.headers.length / 2 }, (_, i) =>
          request.headers.slice(2 * i, 2 * i + 2),
        )
        requests.push({ url, headers: Object.fromEntries(pairs), request })
        const answer = answers.shift() ?? 204
        return typeof answer === 'number' ? answerOf(answer) : answer
      },
    },
    admit: (event: CloudEvent) => state.admit(event),
    destination: (queue: string) => program.destination(queue),
    replyLog: (uid: string) => program.replyLog(uid),
    orphaned: (delivery: FakeDelivery) => orphaned(delivery, { revision, events: dispatcherEvents(shared) }),
  } as unknown as Parameters<typeof dispatch>[1]
  /** Dispatches it as often as it is handed out again. */
  const toItsEnd = async (first: FakeDelivery) => {
    const ends: string[] = []
    for (let delivery = first; ; delivery = delivery.next()) {
      await dispatch(delivery, deps)
      ends.push(...delivery.ends)
      if (!delivery.ends.join().startsWith('nack')) return { ends, last: delivery }
    }
  }
  const once = async (delivery: FakeDelivery) => {
    await dispatch(delivery, deps)
    return delivery.ends
  }
  return { fake, telemetry, program, requests, state, toItsEnd, once, urls: () => requests.map(({ url }) => url) }
}
