import { sleep } from '@sluice/clock'
import { type CloudEvent, createEvent } from '@sluice/cloudevents'
import type { SourceRow } from '@sluice/contract'
import { EventingError, isFailure } from '@sluice/errors'
import type { HoldingSource } from '@sluice/source-runtime'

export interface FeedRow extends SourceRow {
  /** Answers `GET <feed>?after=<id>` with what came after that, oldest first. */
  readonly feed: string
  readonly everyMs: number
}

interface Entry {
  readonly id: string
  readonly title: string
}

/** Posts each entry of a feed, in its order; goes on where it, or the replica before it, left off. */
export async function feedSource(source: HoldingSource<FeedRow>): Promise<AsyncDisposable> {
  const { row, outlet, state, status, clock } = source
  const stop = new AbortController()
  const signal = AbortSignal.any([source.signal, stop.signal])
  const authorization = `Bearer ${await source.secret('token')}` // rejects: tried again, and the status says why
  let last = (await state.get('last')) ?? ''

  const readFeed = async (): Promise<readonly Entry[]> => {
    const url = `${row.feed}?after=${encodeURIComponent(last)}`
    const answer = await fetch(url, { headers: { authorization }, signal })
    if (answer.ok) return (await answer.json()) as Entry[]
    const { status: code } = answer
    throw new EventingError({ code: 'SINK_REFUSED', sink: row.feed, status: code }, `the feed answered ${code}`)
  }
  const running = (async () => {
    while (!signal.aborted) {
      try {
        for (const entry of await readFeed()) {
          const { outcome } = await outlet.publish(eventOf(row, entry), signal) // waits until it is stored
          if (outcome === 'aborted') return
          last = entry.id
          await state.put({ last })
        }
        status.condition('FeedReadable', { status: 'True' })
      } catch (error) {
        if (isFailure(error, 'SOURCE_NOT_HELD')) return // another replica has it
        const message = error instanceof EventingError ? error.message : 'the feed can not be reached'
        status.condition('FeedReadable', { status: 'False', reason: 'ReadFailed', message })
      }
      await sleep(clock, row.everyMs, signal)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}

/** Its id is the entry's: whoever sends it again sends the same event. */
function eventOf({ feed }: FeedRow, entry: Entry): CloudEvent {
  const attributes = { specversion: '1.0', id: entry.id, source: feed, type: 'com.example.feed.entry' }
  return createEvent({ ...attributes, datacontenttype: 'application/json' }, Buffer.from(JSON.stringify(entry)), 'json')
}
