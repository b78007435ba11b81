import { createHash } from 'node:crypto'
import type { Clock } from '@sluice/clock'
import { type ApiObject, apiTable, type ServedVersion } from '@sluice/resources/api'
import type { ResourceClient } from '../api/resource-client.ts'
import type { ObjectEvent } from './program.ts'

/** Of one object. Source: client-go, tools/record, EventSourceObjectSpamFilter. */
const BURST = 25
const REFILL_MS = 300_000
/** Objects and Events remembered; the oldest are forgotten. */
const MAX_REMEMBERED = 4096
const MAX_WAITING = 1000

export interface Recorder extends AsyncDisposable {
  /** Best effort, in the background: repeats are counted on the Event that is there. */
  record(about: ApiObject, event: ObjectEvent): void
}

export interface RecorderDeps {
  readonly client: Pick<ResourceClient, 'create' | 'update'>
  readonly clock: Clock
  /** An Event was not written. */
  dropped(): void
}

/** Kubernetes Events about objects: one per object, reason and message, with a count. */
export function createRecorder({ client, clock, dropped }: RecorderDeps): Recorder {
  const kind = apiTable().ofKind('v1', 'Event') as ServedVersion
  const known = new Map<string, ApiObject>()
  const budgets = new Map<string, { left: number; at: number }>()
  let waiting = 0
  let last: Promise<void> = Promise.resolve()

  function mayTell(uid: string): boolean {
    const now = clock.monotonic()
    const { left, at } = budgets.get(uid) ?? { left: BURST, at: now }
    const filled = Math.min(BURST, left + (now - at) / REFILL_MS)
    remember(budgets, uid, { left: Math.max(0, filled - 1), at: now })
    return filled >= 1
  }

  async function write(about: ApiObject, { type, reason, message }: ObjectEvent): Promise<void> {
    const { namespace, name, uid } = about.metadata
    const time = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`
    const hash = createHash('sha256')
      .update(JSON.stringify([uid, type, reason, message]))
      .digest('hex')
      .slice(0, 16)
    const before = known.get(hash)
    const room = namespace ?? 'default'
    if (before !== undefined) {
      const count = Number(before.count ?? 1) + 1
      remember(known, hash, await client.update(kind, { ...before, count, lastTimestamp: time }))
      return
    }
    const made = await client.create(kind, {
      ...{ apiVersion: 'v1', kind: 'Event' },
      metadata: { name: `${String(name).slice(0, 200)}.${hash}${clock.now().toString(36)}`, namespace: room },
      involvedObject: {
        ...{ apiVersion: about.apiVersion, kind: about.kind, name, uid },
        ...(namespace !== undefined && { namespace }),
        resourceVersion: about.metadata.resourceVersion,
      },
      ...{ type, reason, message: message.slice(0, 1024), count: 1, firstTimestamp: time, lastTimestamp: time },
      source: { component: 'sluice-controller' },
      reportingComponent: 'sluice-controller',
    })
    remember(known, hash, made)
  }

  return {
    record(about, event) {
      if (waiting >= MAX_WAITING || !mayTell(String(about.metadata.uid))) return dropped()
      waiting += 1
      last = last
        .then(() => write(about, event))
        .catch(dropped)
        .finally(() => {
          waiting -= 1
        })
    },
    [Symbol.asyncDispose]: () => last,
  }
}

function remember<T>(all: Map<string, T>, key: string, value: T): void {
  all.delete(key)
  all.set(key, value)
  if (all.size <= MAX_REMEMBERED) return
  const { value: oldest } = all.keys().next()
  if (oldest !== undefined) all.delete(oldest)
}
