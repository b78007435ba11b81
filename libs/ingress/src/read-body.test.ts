import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { memoryBudget } from './memory-budget.ts'
import { readBody } from './read-body.ts'

const asRequest = (chunks: Iterable<Buffer>) => Readable.from(chunks, { objectMode: false }) as IncomingMessage
const numbered = (length: number, step: number) => {
  const whole = Buffer.from(Array.from({ length }, (_, i) => i % 251))
  const chunks: Buffer[] = []
  for (let at = 0; at < length; at += step) {
    const chunk = Buffer.from(new ArrayBuffer(Math.min(step, length - at)))
    whole.copy(chunk, 0, at)
    chunks.push(chunk)
  }
  return { whole, chunks }
}

async function read(chunks: Buffer[], announced: number, maxBytes = 1e6, budget = 1e6) {
  const memory = memoryBudget(budget)
  const target: { body: Buffer | undefined } = { body: undefined }
  const reading = readBody(asRequest(chunks), target, { announced, maxBytes, memory })
  return { outcome: await reading.catch((error) => error.detail.code), body: target.body, used: memory.used() }
}

describe('a body', () => {
  test.each([
    ['one piece', 1000, 1000],
    ['two pieces', 1000, 600],
    ['many pieces, the last one short', 100_001, 1000],
    ['single bytes', 300, 1],
    ['a first piece below an eighth', 64_000, 5000],
  ])('in %s is put together whether its length was announced or not', async (_name, length, step) => {
    for (const announced of [length, 0]) {
      const { whole, chunks } = numbered(length, step)
      const { outcome, body, used } = await read(chunks, announced)
      expect({ outcome, used }).toEqual({ outcome: true, used: length })
      expect(body?.equals(whole)).toBe(true)
    }
  })

  test('in one piece is not copied', async () => {
    const { chunks } = numbered(1000, 1000)
    expect((await read(chunks, 1000)).body?.buffer).toBe(chunks[0]?.buffer)
  })

  test('of no bytes is none', async () => {
    expect(await read([], 0)).toEqual({ outcome: true, body: undefined, used: 0 })
  })

  test('in pieces leaves memory alone that others share', async () => {
    const shared = Buffer.from(new ArrayBuffer(20)).fill(7)
    await read([shared.subarray(0, 10), shared.subarray(10, 15)], 15)
    expect(shared).toEqual(Buffer.alloc(20, 7))
  })

  test('beyond the bound or the budget is refused, and its share given back', async () => {
    const { chunks } = numbered(1000, 100)
    expect(await read(chunks, 0, 950)).toMatchObject({ outcome: 'EVENT_TOO_LARGE', used: 0 })
    expect(await read(numbered(1000, 100).chunks, 0, 1000, 950)).toMatchObject({ outcome: 'MEMORY_FULL', used: 0 })
  })

  test('that ends early gives its share back', async () => {
    const memory = memoryBudget(1000)
    const request = asRequest(numbered(100, 10).chunks)
    request.on('data', () => request.destroy())
    expect(await readBody(request, { body: undefined }, { announced: 100, maxBytes: 1000, memory })).toBe(false)
    expect(memory.used()).toBe(0)
  })
})
