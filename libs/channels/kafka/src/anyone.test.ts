import { describe, expect, test } from '@jest/globals'
import { VirtualClock } from '@sluice/testkit'
import { Anyone, SILENT_MS } from './anyone.ts'

/** Brokers 1 to 3, each silent until it is told what to answer. */
function brokers() {
  const clock = new VirtualClock()
  const anyone = new Anyone(clock)
  const asked: number[] = []
  const answers = new Map<number, PromiseWithResolvers<string>>()
  const ask = () =>
    anyone.ask([1, 2, 3], (node) => {
      asked.push(node)
      const answer = Promise.withResolvers<string>()
      answers.set(node, answer)
      return answer.promise
    })
  const of = (node: number) => answers.get(node) as PromiseWithResolvers<string>
  return { clock, asked, ask, of }
}

describe('whoever of the brokers answers', () => {
  test('is one alone as long as it does so soon, and another at the next time', async () => {
    const { asked, ask, of, clock } = brokers()
    const first = ask()
    of(1).resolve('one')
    await expect(first).resolves.toBe('one')
    await clock.advance(10 * SILENT_MS)
    const second = ask()
    of(2).resolve('two')
    await expect(second).resolves.toBe('two')
    expect(asked).toEqual([1, 2])
  })

  test('is the next where one is silent, which is asked last from then on, until it answers', async () => {
    const { asked, ask, of, clock } = brokers()
    const first = ask()
    await clock.advance(SILENT_MS - 1)
    expect(asked).toEqual([1])
    await clock.advance(1)
    expect(asked).toEqual([1, 2])
    of(2).resolve('two')
    await expect(first).resolves.toBe('two')
    of(1).reject(new Error('late'))
    for (const node of [2, 3, 2]) {
      const next = ask()
      of(node).resolve('soon')
      await next
    }
    expect(asked).toEqual([1, 2, 2, 3, 2])
  })

  test('is the next at once where one fails; when all do, the first failure is told', async () => {
    const { asked, ask, of } = brokers()
    const all = ask()
    for (const node of [1, 2, 3]) {
      of(node).reject(new Error(`no ${node}`))
      await Promise.resolve()
      await Promise.resolve()
    }
    await expect(all).rejects.toThrow('no 1')
    expect(asked).toEqual([1, 2, 3])
  })
})
