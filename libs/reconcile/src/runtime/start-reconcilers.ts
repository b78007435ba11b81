import type { Clock } from '@sluice/clock'
import { isFailure } from '@sluice/errors'
import { type ApiObject, isSame } from '@sluice/resources/api'
import type { Telemetry } from '@sluice/telemetry'
import type { ObjectKey, ResourceClient } from '../api/resource-client.ts'
import { runtimeEvents } from './events.ts'
import { OwnWrites } from './own-writes.ts'
import type { Program, Reconciled } from './program.ts'
import { createRecorder } from './recorder.ts'
import { WorkQueue } from './work-queue.ts'

const CONCURRENCY = 16

export interface ReconcilersDeps {
  readonly client: ResourceClient
  readonly programs: readonly Program[]
  readonly clock: Clock
  readonly telemetry: Telemetry
}

export interface Reconcilers extends AsyncDisposable {
  /** Resolves once every program has looked at everything it was told of, and nothing is left to do now. */
  settled(): Promise<void>
}

/**
 * Runs the programs: each object is looked at after each change that concerns it, and its status kept as they say. The
 * first is looked at once every kind that they look at or watch has its first list.
 */
export function startReconcilers({ client, programs, clock, telemetry }: ReconcilersDeps): Reconcilers {
  const stack = new AsyncDisposableStack()
  const stopping = Promise.withResolvers<'stopping'>()
  const kinds = programs.flatMap(({ kind, watches }) => [kind, ...watches.map((watched) => watched.kind)])
  // what is not listed yet looks as if it did not exist
  const synced = Promise.all([...new Set(kinds)].map((kind) => client.informer(kind).synced))
  const begun = Promise.race([synced, stopping.promise])
  const events = stack.use(runtimeEvents(telemetry, () => running))
  const recorder = stack.use(createRecorder({ client, clock, dropped: events.eventDropped }))
  const running = programs.map((program) => {
    const kind = program.kind.kind.kind
    const informer = client.informer(program.kind)
    const own = new OwnWrites()
    const queue = new WorkQueue({
      ...{ clock, concurrency: CONCURRENCY },
      async work(text) {
        if ((await begun) === 'stopping') return undefined
        const key = JSON.parse(text) as ObjectKey
        const object = informer.get(key)
        const reconciled = await program.reconcile(key, object)
        events.reconciled(kind)
        if (object === undefined) own.forget(text)
        else await settle(text, object, reconciled)
        return reconciled.againInMs
      },
      failed(key, error, retryInMs) {
        if (isOvertaken(error)) events.overtaken({ kind, key, retryInMs })
        else events.failed({ kind, key, retryInMs }, error)
      },
    })

    async function settle(key: string, object: ApiObject, { status, events: told }: Reconciled) {
      if (status !== undefined && !isSame(object.status, status)) {
        try {
          own.begin(key, object, status)
          own.end(key, await client.updateStatus(program.kind, { ...object, status }))
          events.statusWritten(kind)
        } catch (error) {
          // it changed meanwhile: whoever changed it is why it is looked at again
          if (!isOvertaken(error)) throw error
          return
        }
      }
      for (const event of told ?? []) recorder.record(object, event)
    }

    const enqueue = (key: ObjectKey) => queue.add(textOf(key))
    const watch = () => {
      const watching = [
        informer.changed((change) => {
          const text = textOf(change.key)
          if (!own.has(text, change)) queue.add(text)
        }),
        ...program.watches.map((watched) =>
          client.informer(watched.kind).changed((change) => {
            for (const key of watched.concerns(change)) enqueue(key)
          }),
        ),
      ]
      const listening = program.listen?.(enqueue)
      return { [Symbol.dispose]: () => [...watching, listening].forEach((each) => void each?.[Symbol.dispose]()) }
    }
    return { kind, queue, watch }
  })
  for (const { queue, watch } of running) {
    stack.use(queue)
    stack.use(watch())
  }

  async function settled(): Promise<void> {
    await begun
    for (let isQuiet = false; !isQuiet; ) {
      await Promise.all(running.map(({ queue }) => queue.idle()))
      // a write is told to informers in the same turn, and may concern another program
      isQuiet = running.every(({ queue }) => queue.isIdle)
    }
  }
  return {
    settled,
    [Symbol.asyncDispose]() {
      stopping.resolve('stopping')
      return stack.disposeAsync()
    },
  }
}

function textOf({ namespace, name }: ObjectKey): string {
  return JSON.stringify({ ...(namespace !== undefined && { namespace }), name })
}

/** What it was about changed, or went, meanwhile. */
function isOvertaken(error: unknown): boolean {
  const reason = isFailure(error, 'RESOURCE_REFUSED') ? error.detail.reason : undefined
  return reason === 'Conflict' || reason === 'NotFound'
}
