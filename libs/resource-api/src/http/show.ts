import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import type { ObjectList } from '../registry.ts'
import type { Accepted } from './accept.ts'
import type { Encoder } from './encode.ts'
import { partial } from './partial.ts'
import { columnDefinitions, type IncludeObject, rowOf } from './table.ts'

export interface ShowDeps {
  readonly encoder: Encoder
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Shown extends Accepted {
  readonly include: IncludeObject
}

/** One object in the form asked for, as JSON. `isFirst` false: without the columns, which a watch tells once. */
export function shownObject(
  { encoder, now }: ShowDeps,
  served: ServedVersion,
  object: ApiObject,
  shown: Shown,
  isFirst = true,
): string {
  if (shown.form === 'PartialObjectMetadata') return JSON.stringify(partial(object, shown.version))
  if (shown.form !== 'Table') return encoder.json(object)
  const { resourceVersion } = object.metadata
  return JSON.stringify({
    ...tableHeader(shown),
    metadata: { resourceVersion },
    columnDefinitions: isFirst ? columnDefinitions(served) : null,
    rows: [rowOf(served, object, shown.include, now())],
  })
}

/** A list in the form asked for, as JSON. */
export function shownList({ now }: ShowDeps, served: ServedVersion, list: ObjectList, shown: Shown): string {
  const { items, resourceVersion, continue: next, remainingItemCount } = list
  const metadata = { resourceVersion, ...(next && { continue: next }), ...(next && { remainingItemCount }) }
  if (shown.form === 'Table')
    return JSON.stringify({
      ...tableHeader(shown),
      metadata,
      columnDefinitions: columnDefinitions(served),
      rows: items.map((item) => rowOf(served, item, shown.include, now())),
    })
  if (shown.form === 'PartialObjectMetadata')
    return JSON.stringify({
      ...{ kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${shown.version}`, metadata },
      items: items.map((item) => partial(item, shown.version)),
    })
  return JSON.stringify({ kind: `${served.kind.kind}List`, apiVersion: served.apiVersion, metadata, items })
}

function tableHeader({ version }: Shown) {
  return { kind: 'Table', apiVersion: `meta.k8s.io/${version}` }
}
