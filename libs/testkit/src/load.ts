import { setTimeout as wait } from 'node:timers/promises'
import { EventingError } from '@sluice/errors'
import { Pool } from 'undici'

export interface Posting {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | string
}

export interface LoadOptions {
  /** Several: a connection whose request broke or was answered 5xx goes to the next; the first is `at`. */
  readonly url: string | { readonly urls: readonly string[]; readonly at: number }
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
  /** Called at the end of each request, answered or not. */
  readonly onRequest?: (request: LoadRequest) => void
  /** Default 60,000; then what is left is given up and counted in `gaveUp`. */
  readonly timeoutMs?: number
  /** Gives up earlier. */
  readonly signal?: AbortSignal | undefined
}

/** Times are monotonic milliseconds of this process. `status` is undefined where no answer came. */
export interface LoadRequest {
  readonly id: string
  readonly at: number
  readonly endedAt: number
  readonly status: number | undefined
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
  const { url, connections, again, onAccepted, onRequest, timeoutMs = 60_000 } = options
  const { urls, at } = typeof url === 'string' ? { urls: [url], at: 0 } : url
  const { events } = options
  const queue = Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]()
  const accepted: string[] = []
  const refused: { id: string; status: number }[] = []
  const gaveUp: string[] = []
  const unanswered: string[] = []
  const failed: string[] = []
  let unconnected = 0
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(options.signal ? [options.signal] : [])])
  const targets = urls.map((each) => {
    const { origin, pathname: path } = new URL(each)
    return { path, pool: new Pool(origin, { connections, pipelining: 1 }) }
  })
  const targetAt = (n: number) => targets[(at + n) % targets.length] as (typeof targets)[number]

  const post = async (turn: number, { id, headers, body }: Posting): Promise<number | undefined> => {
    const { path, pool } = targetAt(turn)
    const at = performance.now()
    const told = (status?: number) => onRequest?.({ id, at, endedAt: performance.now(), status })
    try {
      const response = await pool.request({ path, method: 'POST', headers, body, signal })
      await response.body.dump()
      told(response.statusCode)
      if (response.statusCode >= 500) failed.push(id)
      return response.statusCode
    } catch (error) {
      told()
      if ((error as { code?: string }).code === 'ECONNREFUSED') unconnected += 1
      else unanswered.push(id)
      return undefined
    }
  }

  const finish = async (event: Posting, turn: { n: number }) => {
    for (;;) {
      if (signal.aborted) return gaveUp.push(event.id)
      const status = await post(turn.n, event)
      if (status === 202) {
        onAccepted?.(event.id)
        return accepted.push(event.id)
      }
      const final = status !== undefined && status !== 429 && status < 500
      if (final || (again === undefined && status !== undefined)) return refused.push({ id: event.id, status })
      if (again === undefined) return gaveUp.push(event.id)
      if (status !== 429) turn.n += 1
      await wait(again.pauseMs ?? 20)
    }
  }

  const work = async () => {
    const turn = { n: 0 }
    for (let next = await queue.next(); next.done !== true; next = await queue.next()) await finish(next.value, turn)
  }
  if (connections < 1) throw new EventingError({ code: 'INTERNAL' }, 'connections must be at least 1')
  await Promise.all(Array.from({ length: connections }, work))
  await Promise.all(targets.map(({ pool }) => pool.destroy()))
  return { accepted, refused, gaveUp, unanswered, failed, unconnected }
}
