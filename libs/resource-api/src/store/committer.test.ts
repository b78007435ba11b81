import { describe, expect, test } from '@jest/globals'
import { Committer } from './committer.ts'
import type { Change } from './entry.ts'
import { type Link, StoreError } from './link.ts'
import type { Request } from './protocol.ts'

const SQLITE_FULL = 13
const change = (rv: number) => ({ rv }) as Change
const row = (rv: number) => ({ rv, at: 0, resource: 'r', key: 'k', object: null })

function committer() {
  const requests: Extract<Request, { op: 'commit' }>[] = []
  const asked: PromiseWithResolvers<void>[] = []
  const applied: number[] = []
  let forgotten = 0
  const link: Link = {
    defer: queueMicrotask,
    ask: (request) => {
      requests.push(request as (typeof requests)[number])
      const reply = Promise.withResolvers<void>()
      asked.push(reply)
      return reply.promise as Promise<never>
    },
    close: async () => {},
  }
  const under = new Committer({
    link,
    apply: ({ rv }) => applied.push(rv),
    forgetPending: () => forgotten++,
    events: { stored: () => {}, notStored: () => {} },
  })
  return { under, requests, asked, applied, forgotten: () => forgotten }
}
const settle = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

describe('group commit', () => {
  test('one commit at a time; what comes in meanwhile is the next', async () => {
    const { under, requests, asked, applied } = committer()
    const first = under.submit([change(1)], [row(1)])
    await settle()
    void under.submit([change(2)], [row(2)])
    const third = under.submit([change(3)], [row(3)])
    await settle()
    expect(requests.map(({ rows }) => rows.length)).toEqual([1])
    expect(applied).toEqual([])
    asked[0]?.resolve()
    await first
    await settle()
    expect(requests.map(({ rows }) => rows.length)).toEqual([1, 2])
    asked[1]?.resolve()
    await third
    expect(applied).toEqual([1, 2, 3])
  })

  test('a full disk fails what was asked for and what was judged by it, and the next is tried', async () => {
    const { under, asked, applied, forgotten } = committer()
    const first = under.submit([change(1)], [row(1)])
    await settle()
    const second = under.submit([change(2)], [row(2)])
    asked[0]?.reject(new StoreError({ errcode: SQLITE_FULL, message: 'database or disk is full' }))
    for (const failed of [first, second])
      await expect(failed).rejects.toMatchObject({
        message: 'nothing was stored: the data directory has no space left',
        detail: { reason: 'ServiceUnavailable', status: 503 },
      })
    expect([applied, forgotten()]).toEqual([[], 1])
    const third = under.submit([change(3)], [row(3)])
    await settle()
    asked[1]?.resolve()
    await third
    expect(applied).toEqual([3])
  })

  test('what a failed commit was to forget is forgotten with a later one', async () => {
    const { under, requests, asked } = committer()
    under.compact({ upTo: 5, rows: [1, 2] })
    const first = under.submit([change(7)], [row(7)])
    await settle()
    under.compact({ upTo: 6, rows: [3] })
    asked[0]?.reject(new StoreError({ errcode: SQLITE_FULL, message: 'full' }))
    await expect(first).rejects.toThrow()
    void under.submit([change(8)], [row(8)])
    await settle()
    expect(requests[1]?.compaction).toEqual({ upTo: 6, rows: [1, 2, 3] })
  })
})
