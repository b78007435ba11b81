import { describe, expect, test } from '@jest/globals'
import type { Transport } from '@sluice/kubernetes'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { VirtualClock } from '@sluice/testkit'
import { startAsLeader } from './start-as-leader.ts'

/** A cluster with one Lease; a candidate can be cut off from it. */
function leaseServer() {
  let lease: { metadata: { resourceVersion?: string } } | undefined
  const cutOff = new Set<string>()
  const refused = (status: number, reason: string) =>
    new Response(JSON.stringify({ kind: 'Status', reason, message: reason }), { status })
  const transportOf =
    (who: string): Transport =>
    async (_path, { method, body }) => {
      if (cutOff.has(who)) throw new TypeError('fetch failed')
      if (method === 'GET') return lease === undefined ? refused(404, 'NotFound') : Response.json(lease)
      const next = JSON.parse(String(body))
      const version = lease?.metadata.resourceVersion
      if (next.metadata.resourceVersion !== version) return refused(409, 'Conflict')
      lease = { ...next, metadata: { ...next.metadata, resourceVersion: String(Number(version ?? 0) + 1) } }
      return Response.json(lease)
    }
  return { transportOf, cutOff }
}

function setUp(stack: AsyncDisposableStack) {
  const clock = new VirtualClock()
  const server = leaseServer()
  const told: string[] = []
  const join = (name: string, startWith: () => Promise<void> = async () => {}) => {
    const stop = new AbortController()
    const checks: (() => unknown)[] = []
    const starting = startAsLeader({
      context: {
        ...{ clock, draining: stop.signal, telemetry: createTestTelemetry() },
        ready(_name, check) {
          checks.push(check)
          return { [Symbol.dispose]: () => {} }
        },
      },
      cluster: {
        server: 'https://cluster',
        transport: server.transportOf(name),
        [Symbol.asyncDispose]: async () => {},
      },
      namespace: 'knative-eventing',
      async start() {
        told.push(`${name} starts`)
        await startWith()
        return { [Symbol.asyncDispose]: async () => void told.push(`${name} ended`) }
      },
      end: () => told.push(`${name} is to end`),
      exit: () => told.push(`${name} exits`),
    })
    starting.catch(() => {})
    stack.defer(async () => {
      stop.abort()
      await (await starting.catch(() => undefined))?.[Symbol.asyncDispose]()
    })
    return { starting, stop, waitsFor: () => checks.map((check) => check()) }
  }
  /** In steps, as answers take turns of their own. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 500) {
      await clock.advance(500)
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    }
  }
  return { server, told, join, pass }
}

describe('a controller of a cluster', () => {
  test('starts once it leads; one that does not is not ready and says who leads', async () => {
    await using stack = new AsyncDisposableStack()
    const { join, pass, told } = setUp(stack)
    const a = join('a')
    await pass(1_000)
    const b = join('b')
    await pass(60_000)
    expect(told).toEqual(['a starts'])
    expect(a.waitsFor()).toEqual([undefined])
    expect(b.waitsFor()).toEqual([expect.stringMatching(/^\S+_[0-9a-f-]{36} leads$/)])
  })

  test('who loses the Lease ends what it started and its process, before the next starts', async () => {
    await using stack = new AsyncDisposableStack()
    const { join, pass, told, server } = setUp(stack)
    join('a')
    await pass(1_000)
    join('b')
    await pass(5_000)
    server.cutOff.add('a')
    await pass(30_000)
    expect(told).toEqual(['a starts', 'a is to end', 'a ended', 'b starts'])
    server.cutOff.clear()
    await pass(60_000)
    expect(told).toHaveLength(4)
  })

  test('who is stopped gives the Lease up, and is not told to end again', async () => {
    await using stack = new AsyncDisposableStack()
    const { join, pass, told } = setUp(stack)
    const a = join('a')
    await pass(1_000)
    join('b')
    a.stop.abort()
    const running = await a.starting
    await running.drain?.()
    await running[Symbol.asyncDispose]()
    await pass(5_000)
    expect(told).toEqual(['a starts', 'a ended', 'b starts'])
  })

  test('a candidate that is stopped never starts', async () => {
    await using stack = new AsyncDisposableStack()
    const { join, pass, told } = setUp(stack)
    join('a')
    await pass(1_000)
    const b = join('b')
    b.stop.abort()
    await (await b.starting)[Symbol.asyncDispose]()
    await pass(30_000)
    expect(told).toEqual(['a starts'])
  })

  test('a start that fails is told, and the Lease given up', async () => {
    await using stack = new AsyncDisposableStack()
    const { join, pass, told } = setUp(stack)
    const a = join('a', () => Promise.reject(new Error('no disk')))
    await pass(1_000)
    join('b')
    const failed = expect(a.starting).rejects.toThrow('no disk')
    await pass(6_000)
    await failed
    expect(told).toEqual(['a starts', 'b starts'])
  })
})
