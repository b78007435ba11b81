import type { Clock } from '@sluice/clock'
import { requestsOver, type Transport } from '@sluice/kubernetes'
import type { ApiObject } from '@sluice/resources/api'
import type { ServedResource } from '../event-of.ts'
import { parseExactly } from '../exact-json.ts'
import { type ObjectFeed, WATCH_MS } from '../object-feed.ts'
import type { Stream } from '../stream.ts'
import { rootOf } from './discover.ts'

export interface FeedDeps {
  readonly transport: Transport
  readonly clock: Clock
  readonly stream: Stream
  readonly resource: ServedResource
  /** Whether objects are wanted, or what names them. */
  readonly isWhole: boolean
}

/** A page holds few objects where they are large; the first one is asked for before that is known. */
const PAGE = { first: 50, most: 500, chars: 4_194_304 }
/** Objects without spec and status, from servers that know such a thing. A watch for a list of them is empty. */
const namesOnly = (as: string) => ({ accept: `application/json;as=${as};g=meta.k8s.io;v=v1,application/json` })

export function openFeed({ transport, clock, stream, resource, isWhole }: FeedDeps): ObjectFeed {
  let chars = 0
  let limit = PAGE.first
  const lists = requestsOver(transport, clock, {
    ...(!isWhole && namesOnly('PartialObjectMetadataList')),
    parse(text) {
      chars = text.length
      return parseExactly(text)
    },
  })
  const watches = requestsOver(transport, clock, {
    ...(!isWhole && namesOnly('PartialObjectMetadata')),
    parse: parseExactly,
  })
  const room = stream.namespace === undefined ? '' : `/namespaces/${encodeURIComponent(stream.namespace)}`
  const path = `${rootOf(resource.apiVersion)}${room}/${resource.plural}`
  const selected = { ...(stream.selector !== '' && { labelSelector: stream.selector }) }

  return {
    async list(next, signal) {
      const query = new URLSearchParams({
        ...selected,
        limit: String(limit),
        ...(next !== undefined && { continue: next }),
      })
      const { items, metadata } = await lists.ask('GET', `${path}?${query}`, undefined, signal)
      const page = (items ?? []) as readonly ApiObject[]
      const mean = chars / Math.max(1, page.length)
      if (page.length > 0) limit = Math.max(1, Math.min(PAGE.most, Math.floor(PAGE.chars / mean)))
      const { resourceVersion, continue: more } = metadata as { resourceVersion: string; continue?: string }
      return { items: page, version: resourceVersion, ...(more && { next: more }) }
    },
    watch(version, signal) {
      const query = new URLSearchParams({
        ...{ watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(WATCH_MS / 1_000) },
        ...{ ...selected, resourceVersion: version },
      })
      return watches.watch(`${path}?${query}`, signal)
    },
  }
}
