import { describe, expect, test } from '@jest/globals'
import type { Redriven } from '@sluice/channel'
import { createEvent } from '@sluice/cloudevents'
import type { Lying, Page } from './client/client.ts'
import { KafkaGrip } from './grip.ts'
import { Fold, headersOf, Keys } from './journal.ts'
import type { LaneDeps } from './lane-store.ts'
import { ChannelNames } from './names.ts'
import { encodeRecord } from './record.ts'

describe('what was redriven', () => {
  test('is counted until who adopts it has it, also when the journal is read before the answer comes', async () => {
    const keys = new Keys('s')
    const key = keys.redriven('0-0-1')
    const event = createEvent({ specversion: '1.0', id: '1', source: '/s', type: 't' } as never)
    const place = { id: '0-0-1', lane: 0, storedAt: 0, handOuts: 0, due: 0 }
    const record = encodeRecord({ event, laneKey: 'k' }, { place, isKept: true })
    const lying = { ...record, key: Buffer.from(key), offset: 5, storedAt: 0 } as unknown as Lying
    const gone: Lying = { offset: 7, storedAt: 0, key: Buffer.from(key), value: null, headers: headersOf(1) }
    const stored = Promise.withResolvers<readonly { readonly offset: number }[]>()
    const asked = Promise.withResolvers<void>()
    let onPage: (page: Page) => void = () => undefined
    let redriven: Redriven | undefined
    const deps = {
      names: new ChannelNames('sluice', 'c', { kind: 'queue' }),
      keys,
      link: { order: () => 1, fetch: async () => ({ records: [lying], next: 6, end: 6 }) },
      publisher: {
        store: () => {
          asked.resolve()
          return stored.promise
        },
      },
      fetcher: {
        follow: (following: { readonly onPage: typeof onPage }) => {
          onPage = following.onPage
          return { pull: () => undefined, [Symbol.dispose]: () => undefined }
        },
      },
    } as unknown as LaneDeps
    const grip = new KafkaGrip(0, new Fold(keys), 0, deps, (each) => {
      redriven = each
    })
    onPage({ records: [lying], next: 6, end: 6 })
    const adopting = redriven?.adopt(grip)
    await asked.promise
    onPage({ records: [gone], next: 8, end: 8 })
    expect([...grip.redriven.keys()]).toEqual([key])
    stored.resolve([{ offset: 6 }])
    await adopting
    // Whoever adopts it takes it in this turn of the event loop
    expect([...grip.redriven.keys()]).toEqual([key])
    await new Promise((resolve) => setImmediate(resolve))
    expect(grip.redriven.size).toBe(0)
  })
})
