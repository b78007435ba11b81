import { EventingError } from '@sluice/errors'
import { Agent, Pool } from 'undici'

/** What is looked at of an object of the resource API. */
export interface Seen {
  readonly metadata: {
    readonly namespace: string
    readonly name: string
    readonly generation: number
    readonly resourceVersion: string
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}

export const GROUP = '/apis/eventing.knative.dev/v1'

/** Writes over so many connections. Disposing closes them. */
export function resourceWriter(url: string, connections: number) {
  const pool = new Pool(url, { connections })
  return {
    async write(method: 'POST' | 'PATCH', path: string, body: object): Promise<Seen> {
      const type = method === 'POST' ? 'application/json' : 'application/merge-patch+json'
      const options = { method, path, headers: { 'content-type': type }, body: JSON.stringify(body) }
      const answer = await pool.request(options)
      if (answer.statusCode > 201) throw refused(path, await answer.body.text())
      return (await answer.body.json()) as Seen
    },
    /** The same work for 0 … count - 1, as many at a time as there are connections; seconds it took. */
    async many(count: number, work: (n: number) => Promise<unknown>): Promise<number> {
      const startedAt = performance.now()
      let next = 0
      const one = async () => {
        for (let n = next++; n < count; n = next++) await work(n)
      }
      await Promise.all(Array.from({ length: connections }, one))
      return (performance.now() - startedAt) / 1e3
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}

export interface Watching extends AsyncDisposable {
  /** Fulfils once this many objects were seen Ready as they are now. */
  ready(count: number): Promise<void>
  /** Fulfils once the object of this name was seen Ready at this generation. */
  readyAt(name: string, generation: number): Promise<void>
}

/** Lists and watches a resource of every namespace; what is Ready at its own generation is counted by name. */
export async function watchReady(url: string, resource: string): Promise<Watching> {
  const agent = new Agent({ bodyTimeout: 0 })
  const path = `${url}${GROUP}/${resource}`
  const ready = new Map<string, number>()
  const waiting = new Set<() => void>()
  const look = (seen: Seen) => {
    if (seen.status?.observedGeneration !== seen.metadata.generation) return
    if (!seen.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) return
    ready.set(seen.metadata.name, seen.metadata.generation)
    for (const check of waiting) check()
  }
  const listed = await fetch(path)
  const list = (await listed.json()) as { items: Seen[]; metadata: { resourceVersion: string } }
  for (const item of list.items) look(item)
  const ending = new AbortController()
  const query = `watch=true&resourceVersion=${list.metadata.resourceVersion}`
  const { hostname, port, protocol } = new URL(url)
  const answer = await agent.request({
    ...{ origin: `${protocol}//${hostname}:${port}`, path: `${GROUP}/${resource}?${query}`, method: 'GET' },
    signal: ending.signal,
  })
  const reading = (async () => {
    let rest = ''
    for await (const part of answer.body) {
      const lines = (rest + String(part)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) look((JSON.parse(line) as { object: Seen }).object)
    }
  })().catch(() => {}) // its end is the case's

  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!holds()) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  return {
    ready: (count) => until(() => ready.size >= count),
    readyAt: (name, generation) => until(() => (ready.get(name) ?? 0) >= generation),
    async [Symbol.asyncDispose]() {
      ending.abort()
      await reading
      await agent.destroy()
    },
  }
}

/** Sum of a counter over its labels. */
export async function counterSum(metricsUrl: string, name: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text()
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

function refused(path: string, text: string): EventingError {
  return new EventingError({ code: 'INTERNAL' }, `${path}: ${text.slice(0, 500)}`)
}
