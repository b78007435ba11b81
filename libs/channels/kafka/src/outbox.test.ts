import { describe, expect, test } from '@jest/globals'
import type { Entry } from '@sluice/channel'
import { systemClock } from '@sluice/clock'
import { createEvent } from '@sluice/cloudevents'
import type { ProducedPart } from './client/client.ts'
import type { Link } from './link.ts'
import { ChannelNames } from './names.ts'
import { Outbox } from './outbox.ts'
import type { ParkedIndex } from './parked.ts'
import { Publisher } from './publish.ts'

interface Request {
  readonly parts: readonly ProducedPart[]
  readonly answer: (bases: readonly number[]) => void
  readonly fail: (error: unknown) => void
}

/** Of one lane, over a cluster whose answers the test gives. */
function outbox() {
  const requests: Request[] = []
  let learned = 0
  let order = 0
  const link = {
    clock: systemClock,
    order: () => ++order,
    leaderOf: async () => 1,
    forgetLeaders: () => undefined,
    newProducer: async () => ({ id: '1', epoch: 0 }),
    end: async () => {
      learned++
      return 0
    },
    since: async () => undefined,
    produce: (_node: number, _producer: unknown, parts: readonly ProducedPart[]) =>
      new Promise<readonly number[]>((answer, fail) => void requests.push({ parts, answer, fail })),
  } as unknown as Link
  const publisher = new Publisher(link)
  const names = new ChannelNames('sluice', 'c', { kind: 'log' })
  const parked = {} as ParkedIndex
  return {
    box: new Outbox({ link, publisher, parked, names, kind: 'log', lanes: 1, subscription: 's' }),
    requests,
    learned: () => learned,
    async request(at: number): Promise<Request> {
      while (requests[at] === undefined) await new Promise((resolve) => setImmediate(resolve))
      return requests[at]
    },
  }
}

function entryOf(id: string, dedupKey?: string): Entry {
  const event = createEvent({ specversion: '1.0', id, source: '/s', type: 't' } as never)
  return { event, laneKey: id, ...(dedupKey === undefined ? {} : { dedupKey }) }
}

const idsOf = ({ parts }: Request) => parts.flatMap(({ records }) => records.map(({ headers }) => headers.ce_id))

describe('an outbox of Kafka', () => {
  test('answers the places in the order asked, whatever goes with them in one request', async () => {
    const { box, request } = outbox()
    const first = box.publish([entryOf('a'), entryOf('b')])
    const second = box.publish([entryOf('c')])
    const asked = await request(0)
    expect(idsOf(asked)).toEqual(['a', 'b', 'c'])
    asked.answer([7])
    expect([...(await first), ...(await second)]).toEqual(['0-7-1', '0-8-2', '0-9-3'])
    expect(await box.publish([])).toEqual([])
  })

  test('stores a key once that is asked for while it is under way, and once it lies there', async () => {
    const { box, request, requests } = outbox()
    const asked = [box.publish([entryOf('a', 'k')]), box.publish([entryOf('a', 'k'), entryOf('b')])]
    const first = await request(0)
    expect(idsOf(first)).toEqual(['a', 'b'])
    first.answer([3])
    expect(await Promise.all(asked)).toEqual([['0-3-1'], ['0-3-1', '0-4-3']])
    expect(await box.publish([entryOf('a', 'k')])).toEqual(['0-3-1'])
    expect(requests).toHaveLength(1)
  })

  test('refuses a repeat with what it repeats, and looks what lies there before the next', async () => {
    const { box, request, learned } = outbox()
    const asked = [box.publish([entryOf('a', 'k')]), box.publish([entryOf('a', 'k')])]
    const settled = Promise.allSettled(asked)
    const { fail } = await request(0)
    expect(learned()).toBe(1)
    fail(new Error('gone'))
    const rejected = { status: 'rejected', reason: { detail: { code: 'CHANNEL_UNAVAILABLE' } } }
    expect(await settled).toMatchObject([rejected, rejected])
    const again = box.publish([entryOf('a', 'k')])
    const second = await request(1)
    expect(learned()).toBe(2)
    second.answer([0])
    expect(await again).toEqual(['0-0-3'])
  })

  test('is idle once all that was asked has ended, well or not', async () => {
    const { box, request } = outbox()
    await box.idle()
    let isIdle = false
    const settled = Promise.allSettled([box.publish([entryOf('a'), entryOf('b')])])
    const idle = box.idle().then(() => {
      isIdle = true
    })
    const { fail } = await request(0)
    expect(isIdle).toBe(false)
    fail(new Error('gone'))
    await settled
    await idle
    await expect(
      box.publish([{ ...entryOf('large'), event: { ...entryOf('x').event, data: Buffer.alloc(2 ** 21) } }]),
    ).rejects.toMatchObject({ detail: { code: 'CHANNEL_EVENT_TOO_LARGE' } })
    await box.idle()
  })
})
