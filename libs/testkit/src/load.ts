import { setTimeout as wait } from 'node:timers/promises'
import { EventingError } from '@sluice/errors'
import { Pool } from 'undici'

export interface Posting {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | string
}

export interface LoadOptions {
  readonly url: string
  /** Asked for the next one whenever a connection is free; one that takes its time sets the pace. */
  readonly events: Iterable<Posting> | AsyncIterable<Posting>
  readonly connections: number
  /**
   * Post again, under the same id, what got no answer or 429 or 5xx, until it is acknowledged. Absent: once each.
   * A connection waits `pauseMs` (default 20) before it tries again.
   */
  readonly again?: { readonly pauseMs?: number } | undefined
  /** Called at each 202. */
  readonly onAccepted?: (id: string) => void
  /** Default 60,000; then what is left is given up and counted in `gaveUp`. */
  readonly timeoutMs?: number
}

export interface LoadResult {
  /** Ids that got a 202, in the order of the answers. */
  readonly accepted: readonly string[]
  /** Last answer of each id that got another status, and is not tried again. */
  readonly refused: readonly { readonly id: string; readonly status: number }[]
  /** Ids without an answer at the end. */
  readonly gaveUp: readonly string[]
  /** The id of each request that was sent, or half sent, and got no answer: each may have been stored. */
  readonly unanswered: readonly string[]
  /** The id of each request that was answered 5xx: part of it may have been stored. */
  readonly failed: readonly string[]
  /** Requests that never reached a server: connection refused. */
  readonly unconnected: number
}

/** A 1 KB JSON event in binary mode, as most of them are. */
export function posting(id: string, attributes: Readonly<Record<string, string>> = {}, bytes = 1024): Posting {
  const filler = Math.max(0, bytes - JSON.stringify({ id, filler: '' }).length)
  return {
    id,
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': '/testkit/load',
      'ce-type': 'dev.sluice.load',
      ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value])),
    },
    body: JSON.stringify({ id, filler: 'x'.repeat(filler) }),
  }
}

/** Posts every event over so many keep-alive connections, one request at a time on each. */
export async function postMany(options: LoadOptions): Promise<LoadResult> {
  const { url, connections, again, onAccepted, timeoutMs = 60_000 } = options
  const { origin, pathname } = new URL(url)
  const { events } = options
  const queue = Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]()
  const accepted: string[] = []
  const refused: { id: string; status: number }[] = []
  const gaveUp: string[] = []
  const unanswered: string[] = []
  const failed: string[] = []
  let unconnected = 0
  const signal = AbortSignal.timeout(timeoutMs)
  const pool = new Pool(origin, { connections, pipelining: 1 })

  const post = async ({ id, headers, body }: Posting): Promise<number | undefined> => {
    try {
      const response = await pool.request({ path: pathname, method: 'POST', headers, body, signal })
      await response.body.dump()
      if (response.statusCode >= 500) failed.push(id)
      return response.statusCode
    } catch (error) {
      if ((error as { code?: string }).code === 'ECONNREFUSED') unconnected += 1
      else unanswered.push(id)
      return undefined
    }
  }

  const finish = async (event: Posting) => {
    for (;;) {
      if (signal.aborted) return gaveUp.push(event.id)
      const status = await post(event)
      if (status === 202) {
        onAccepted?.(event.id)
        return accepted.push(event.id)
      }
      const final = status !== undefined && status !== 429 && status < 500
      if (final || (again === undefined && status !== undefined)) return refused.push({ id: event.id, status })
      if (again === undefined) return gaveUp.push(event.id)
      await wait(again.pauseMs ?? 20)
    }
  }

  const work = async () => {
    for (let next = await queue.next(); next.done !== true; next = await queue.next()) await finish(next.value)
  }
  if (connections < 1) throw new EventingError({ code: 'INTERNAL' }, 'connections must be at least 1')
  await Promise.all(Array.from({ length: connections }, work))
  await pool.destroy()
  return { accepted, refused, gaveUp, unanswered, failed, unconnected }
}
