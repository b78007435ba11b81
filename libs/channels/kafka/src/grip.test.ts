import { describe, expect, jest, test } from '@jest/globals'
import type { Redriven } from '@sluice/channel'
import { createEvent } from '@sluice/cloudevents'
import type { Lying, Page } from './client/client.ts'
import { KafkaGrip } from './grip.ts'
import { Fold, headersOf, Keys } from './journal.ts'
import type { LaneDeps } from './lane-store.ts'
import { ChannelNames } from './names.ts'
import { encodeRecord } from './record.ts'

const keys = new Keys('s')
const event = createEvent({ specversion: '1.0', id: '1', source: '/s', type: 't' } as never)
const place = { id: '0-0-1', lane: 0, storedAt: 0, handOuts: 0, due: 0 }

/** A record of an event aside, or one that deletes. */
function lying(key: string, offset: number, deletedBy?: number): Lying {
  const record = encodeRecord({ event, laneKey: 'k' }, { place, isKept: true })
  const more = deletedBy === undefined ? record : { value: null, headers: headersOf(deletedBy) }
  return { ...more, key: Buffer.from(key), offset, storedAt: 0 } as unknown as Lying
}

interface Sent {
  readonly record: { readonly key: Buffer; readonly value: Buffer | null }
}

/** A grip of term 2 whose journal is read as `read` says; what it stores is told, and lies once `stored` resolves. */
function hold(record: Lying) {
  const stored = Promise.withResolvers<readonly { readonly offset: number }[]>()
  const asked = Promise.withResolvers<readonly Sent[]>()
  const store = jest.fn((sent: readonly Sent[]) => {
    asked.resolve(sent)
    return stored.promise
  })
  let onPage: (page: Page) => void = () => undefined
  const putBack: Redriven[] = []
  const deps = {
    names: new ChannelNames('sluice', 'c', { kind: 'queue' }),
    keys,
    link: {
      order: () => 1,
      fetch: async () => ({ records: [record], next: record.offset + 1, end: record.offset + 1 }),
    },
    publisher: { store },
    fetcher: {
      follow: (following: { readonly onPage: typeof onPage }) => {
        onPage = following.onPage
        return { pull: () => undefined, [Symbol.dispose]: () => undefined }
      },
    },
  } as unknown as LaneDeps
  const fold = new Fold(keys)
  fold.take({ ...lying(keys.claim(2, 'me'), 0), value: Buffer.from('{}') })
  const grip = new KafkaGrip(0, fold, 0, deps, (each) => putBack.push(each))
  const read = (...records: readonly Lying[]) => {
    const next = (records.at(-1)?.offset ?? 0) + 1
    onPage({ records, next, end: next })
  }
  return { grip, read, putBack, store, asked: asked.promise, stored }
}

describe('what was redriven', () => {
  test('is counted until who adopts it has it, also when the journal is read before the answer comes', async () => {
    const key = keys.redriven(place.id)
    const { grip, read, putBack, asked, stored } = hold(lying(key, 5))
    read(lying(key, 5))
    const adopting = putBack[0]?.adopt(grip)
    await asked
    read(lying(key, 7, 2))
    expect([...grip.redriven.keys()]).toEqual([key])
    stored.resolve([{ offset: 6 }])
    await adopting
    // Whoever adopts it takes it in this turn of the event loop
    expect([...grip.redriven.keys()]).toEqual([key])
    await new Promise((resolve) => setImmediate(resolve))
    expect(grip.redriven.size).toBe(0)
  })
})

describe('a copy aside that an owner before wrote too late', () => {
  test('is taken up under a key of ours in one batch with its deletion, and never deleted alone', async () => {
    const late = keys.aside(1, place.id)
    const { grip, read, putBack, store, asked, stored } = hold(lying(late, 5))
    read(lying(late, 5))
    expect(store).not.toHaveBeenCalled()
    expect(putBack.map(({ place: at }) => at)).toEqual([5])
    const adopting = putBack[0]?.adopt(grip)
    const written = (await asked).map(({ record: { key, value } }) => [String(key), value === null])
    expect(written).toEqual([
      [keys.aside(2, place.id), false],
      [late, true],
    ])
    stored.resolve([{ offset: 6 }, { offset: 7 }])
    await expect(adopting).resolves.toBe(7)
  })
})
