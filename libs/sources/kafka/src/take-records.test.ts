import { describe, expect, test } from '@jest/globals'
import { settle } from '@sluice/testkit'
import type { TopicRecord } from './record.ts'
import { takeRecords } from './take-records.ts'

const records = (count: number): TopicRecord[] =>
  Array.from({ length: count }, (_, n) => ({
    ...{ topic: 't', partition: 0, offset: 10 + 2 * n, timestamp: 0, key: null, value: null, headers: [] },
  }))

function bench(count: number, mostAtOnce: number) {
  const [closing, aborted] = [new AbortController(), new AbortController()]
  const passed: number[] = []
  const out = new Map<number, (isEnded: boolean) => void>()
  const turn = {
    closing: closing.signal,
    aborted: aborted.signal,
    passed: (offset: number) => void passed.push(offset),
  }
  const publish = ({ offset }: TopicRecord) => new Promise<boolean>((resolve) => out.set(offset, resolve))
  const done = takeRecords(records(count), turn, publish, mostAtOnce)
  const end = async (offset: number, isEnded = true) => {
    out.get(offset)?.(isEnded)
    out.delete(offset)
    await settle()
  }
  return { closing, passed, done, end, out: () => [...out.keys()] }
}

describe('records are taken', () => {
  test('one after another where order matters, each passed once it has ended', async () => {
    const { out, end, passed, done } = bench(3, 1)
    expect(out()).toEqual([10])
    await end(10)
    expect([out(), passed]).toEqual([[12], [11]])
    await end(12)
    await end(14)
    await done
    expect(passed).toEqual([11, 13, 15])
  })

  test('SRC-25: several at a time otherwise, and what is behind a gap is not passed', async () => {
    const { out, end, passed, done } = bench(4, 2)
    expect(out()).toEqual([10, 12])
    await end(12)
    await end(14)
    expect([out(), passed]).toEqual([[10, 16], []])
    await end(10)
    expect(passed).toEqual([15])
    await end(16)
    await done
    expect(passed).toEqual([15, 17])
  })

  test('none any more once the turn closes; what is under way is waited for and passed', async () => {
    const { out, end, passed, done, closing } = bench(4, 2)
    closing.abort()
    await end(10)
    await end(12)
    await done
    expect([out(), passed]).toEqual([[], [11, 13]])
  })

  test('and one that was given up is not passed, nor what is behind it', async () => {
    const { end, passed, done } = bench(2, 2)
    await end(12)
    await end(10, false)
    await done
    expect(passed).toEqual([])
  })
})
