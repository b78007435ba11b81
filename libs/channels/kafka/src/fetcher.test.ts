import { expect, test } from '@jest/globals'
import type { Connections } from './client/client.ts'
import { Fetcher } from './fetcher.ts'
import type { Link } from './link.ts'

const NEVER = new Promise<never>(() => undefined)

test('a fetcher is closed at once, while its requests wait at a broker for what comes', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  // A client closes what it has open once all answers are there
  const closed: Connections[] = []
  const connections = { close: () => closed.push(connections) && NEVER } as unknown as Connections
  const link = {
    isUp: true,
    onUp: () => ({ [Symbol.dispose]() {} }),
    leaderOf: async () => 1,
    open: () => connections,
    brokerOf: async () => ({ fetch: () => resolve() ?? NEVER }),
    limited: (asking: Promise<unknown>) => asking,
  } as unknown as Link
  const fetcher = new Fetcher(link)
  fetcher.follow({ topic: 't', partition: 0, from: 0, hasRoom: () => true, onPage: () => undefined })
  await asked
  expect(closed).toEqual([])
  fetcher[Symbol.dispose]()
  expect(closed).toEqual([connections])
})
