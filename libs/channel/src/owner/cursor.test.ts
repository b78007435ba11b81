import { describe, expect, test } from '@jest/globals'
import { readCursor, writeCursor } from './cursor.ts'

const nothing = { owner: 'me', handed: 7, open: [], aside: [], events: 0, bytes: 0 }

describe('a cursor', () => {
  test('names what is done with and not deleted yet; one of an earlier version names nothing', () => {
    expect(readCursor(writeCursor({ ...nothing, gone: [3, 1, 2] }, false)).gone).toEqual([3, 1, 2])
    expect(readCursor('{"owner":null,"handed":0,"open":[],"suspects":[],"events":0,"bytes":0}').gone).toEqual([])
  })

  test('stays small however far deleting lags: the newest 4,096 places are named', () => {
    const places = Array.from({ length: 200_000 }, (_, i) => 10_000_000 + i)
    const text = writeCursor({ ...nothing, gone: places }, false)
    expect(text.length).toBeLessThan(64 * 1024)
    expect(readCursor(text).gone).toEqual(places.slice(-4_096))
  })
})
