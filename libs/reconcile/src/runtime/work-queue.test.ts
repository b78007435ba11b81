import { describe, expect, test } from '@jest/globals'
import { VirtualClock } from '@sluice/testkit'
import fc from 'fast-check'
import { WorkQueue } from './work-queue.ts'

/** A queue whose work ends when the test says so. */
function setUp(concurrency = 2) {
  const clock = new VirtualClock()
  const running = new Map<string, (failure?: Error) => void>()
  const started: string[] = []
  const failed: { key: string; retryInMs: number }[] = []
  const queue = new WorkQueue({
    ...{ clock, concurrency },
    work: (key) =>
      new Promise((resolve, reject) => {
        expect(running.has(key)).toBe(false)
        started.push(key)
        running.set(key, (failure) => {
          running.delete(key)
          if (failure === undefined) resolve(undefined)
          else reject(failure)
        })
      }),
    failed: (key, _, retryInMs) => failed.push({ key, retryInMs }),
  })
  const end = async (key: string, failure?: Error) => {
    running.get(key)?.(failure)
    for (let turn = 0; turn < 5; turn++) await null
  }
  return { clock, queue, running, started, failed, end }
}

describe('a work queue', () => {
  test('works on a key once however often it was added, and again when it was added meanwhile', async () => {
    const { queue, started, end } = setUp()
    for (let i = 0; i < 3; i++) queue.add('a')
    await null
    expect(started).toEqual(['a'])
    queue.add('a')
    queue.add('a')
    expect(started).toEqual(['a'])
    await end('a')
    expect(started).toEqual(['a', 'a'])
    await end('a')
    await queue.idle()
    expect(started).toEqual(['a', 'a'])
  })

  test('works on as many at once as it may', async () => {
    const { queue, started, running, end } = setUp(2)
    for (const key of ['a', 'b', 'c']) queue.add(key)
    await null
    expect([...running.keys()]).toEqual(['a', 'b'])
    await end('a')
    expect(started).toEqual(['a', 'b', 'c'])
  })

  test('waits longer after each failure, up to a minute, and forgets them after a success', async () => {
    const { clock, queue, failed, started, end } = setUp()
    queue.add('a')
    for (let i = 0; i < 16; i++) {
      await null
      await end('a', new Error('no'))
      await clock.advance(60_000)
    }
    expect(failed.slice(0, 3).map(({ retryInMs }) => retryInMs)).toEqual([5, 10, 20])
    expect(failed.at(-1)?.retryInMs).toBe(60_000)
    await end('a')
    queue.add('a')
    await null
    await end('a', new Error('no'))
    expect(failed.at(-1)?.retryInMs).toBe(5)
    expect(started.length).toBe(18)
  })

  test('retries of many keys together are ten a second after the first hundred', async () => {
    const { queue, failed, end } = setUp(200)
    const keys = Array.from({ length: 120 }, (_, i) => `k${i}`)
    for (const key of keys) queue.add(key)
    await null
    for (const key of keys) await end(key, new Error('no'))
    expect(failed.filter(({ retryInMs }) => retryInMs === 5)).toHaveLength(100)
    expect(failed.at(-1)?.retryInMs).toBeCloseTo(2000)
  })

  test('every addition is followed by work that began after it, never twice at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 40 }), async (steps) => {
        const { clock, queue, running, started, end } = setUp(2)
        const due = new Map<string, number>()
        for (const [n, isAdded] of steps) {
          const key = `k${n}`
          if (isAdded) {
            due.set(key, started.length)
            queue.add(key)
            await null
          } else await end(key, n === 3 ? new Error('no') : undefined)
        }
        for (let turn = 0; turn < 40; turn++) {
          for (const key of [...running.keys()]) await end(key)
          await clock.advance(100)
        }
        for (const [key, since] of due) expect(started.slice(since)).toContain(key)
      }),
      { numRuns: 100 },
    )
  })

  test('closing ends after what runs, and begins nothing more', async () => {
    const { queue, started, end } = setUp(1)
    queue.add('a')
    queue.add('b')
    await null
    const closing = queue[Symbol.asyncDispose]()
    await end('a')
    await closing
    expect(started).toEqual(['a'])
  })
})
