import { describe, expect, test } from '@jest/globals'
import type { Transport } from '@sluice/kubernetes'
import { VirtualClock } from '@sluice/testkit'
import { startLeaderElection } from './leader-election.ts'

/** An API server with one Lease; a candidate can be cut off from it. */
function leaseServer() {
  let lease: Record<string, unknown> | undefined
  let version = 0
  const cutOff = new Set<string>()
  const transportOf =
    (who: string): Transport =>
    async (_path, { method, body }) => {
      if (cutOff.has(who)) throw new TypeError('fetch failed')
      const refused = (status: number, reason: string) =>
        new Response(JSON.stringify({ kind: 'Status', reason, message: reason }), { status })
      if (method === 'GET') return lease === undefined ? refused(404, 'NotFound') : Response.json(lease)
      const next = JSON.parse(String(body))
      if (method === 'POST' && lease !== undefined) return refused(409, 'AlreadyExists')
      if (method === 'PUT' && next.metadata.resourceVersion !== String(version)) return refused(409, 'Conflict')
      version += 1
      lease = { ...next, metadata: { ...next.metadata, resourceVersion: String(version) } }
      return Response.json(lease)
    }
  return { transportOf, cutOff, spec: () => Object(lease?.spec) as Record<string, unknown> }
}

function setUp(stack: AsyncDisposableStack) {
  const clock = new VirtualClock()
  const server = leaseServer()
  const told: string[] = []
  let leaders = 0
  let most = 0
  const join = (identity: string, end: () => Promise<void> = async () => {}) =>
    stack.use(
      startLeaderElection({
        ...{ transport: server.transportOf(identity), clock, identity, namespace: 'sluice', name: 'controller' },
        async lead(term) {
          told.push(`${identity} leads ${term}`)
          most = Math.max(most, ++leaders)
          return {
            async [Symbol.asyncDispose]() {
              await end()
              leaders -= 1
              told.push(`${identity} ended`)
            },
          }
        },
        overdue: () => told.push(`${identity} overdue`),
        failed: (error) => told.push(String(error)),
      }),
    )
  /** In steps, as answers take turns of their own. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 500) {
      await clock.advance(500)
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    }
  }
  return { clock, server, told, join, pass, most: () => most }
}

describe('an election by a Lease', () => {
  test('the first leads, the second waits for as long as it renews', async () => {
    await using stack = new AsyncDisposableStack()
    const { join, pass, told, server } = setUp(stack)
    join('a')
    await pass(1_000)
    join('b')
    await pass(120_000)
    expect(told).toEqual(['a leads 1'])
    expect(server.spec()).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 1 })
    expect(server.spec().renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  })

  test('a leader that is cut off has ended before its successor begins, whose term is higher', async () => {
    await using stack = new AsyncDisposableStack()
    const { join, pass, told, server, most } = setUp(stack)
    join('a')
    await pass(1_000)
    join('b')
    await pass(5_000)
    server.cutOff.add('a')
    await pass(11_000)
    const unreachable = told.filter((each) => each.includes('fetch failed'))
    const others = () => told.filter((each) => !each.includes('fetch failed'))
    expect([others(), unreachable.length]).toEqual([['a leads 1', 'a ended'], 1])
    await pass(10_000)
    expect(others()).toEqual(['a leads 1', 'a ended', 'b leads 2'])
    server.cutOff.clear()
    await pass(60_000)
    expect([others().length, most()]).toEqual([3, 1])
  })

  test('a leader that does not end in time is told that its process has to end, before its successor begins', async () => {
    await using stack = new AsyncDisposableStack()
    const { join, pass, told, server } = setUp(stack)
    const { promise, resolve } = Promise.withResolvers<void>()
    join('a', () => promise)
    await pass(1_000)
    join('b')
    await pass(5_000)
    server.cutOff.add('a')
    await pass(30_000)
    const others = told.filter((each) => !each.includes('fetch failed'))
    expect(others).toEqual(['a leads 1', 'a overdue', 'b leads 2'])
    resolve()
  })

  test('who stops gives the Lease up: the successor begins within two retries', async () => {
    await using stack = new AsyncDisposableStack()
    const { join, pass, told } = setUp(stack)
    const a = join('a')
    await pass(1_000)
    join('b')
    await pass(5_000)
    await a[Symbol.asyncDispose]()
    await pass(4_000)
    expect(told).toEqual(['a leads 1', 'a ended', 'b leads 2'])
  })
})
