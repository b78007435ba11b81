import { isUtf8 } from 'node:buffer'
import { coreProblem, nameProblem, REQUIRED, setProblem, typeProblem } from './attribute-rules.ts'
import type { AttributeValue, CloudEvent, DataKind } from './event.ts'
import { invalid, shown } from './invalid.ts'
import { isJson } from './json-skip.ts'

// Attributes on which others depend, or that must be there: changing one asks for a look at the whole set
const SET_WIDE: ReadonlySet<string> = new Set([...REQUIRED, 'dataschema', 'schemaurl'])

export type Attributes = Readonly<Record<string, AttributeValue>> | Iterable<readonly [string, AttributeValue]>

/**
 * A valid event, attributes in the order given. `data` is kept, not copied: the caller lets go of it. With `dataKind`
 * `json` it must be JSON text, with `text` UTF-8. Throws EVENT_INVALID.
 */
export function createEvent(attributes: Attributes, data?: Uint8Array, dataKind?: DataKind): CloudEvent {
  const map = new Map<string, AttributeValue>()
  const entries = Symbol.iterator in attributes ? attributes : Object.entries(attributes)
  for (const [name, value] of entries as Iterable<readonly [string, AttributeValue]>) {
    if (map.has(name)) throw invalid(`attribute ${shown(name)} is given twice`)
    check(nameProblem(name) ?? typeProblem(name, value) ?? coreProblem(name, value))
    map.set(name, value)
  }
  check(setProblem(map, (name) => name))
  if (data === undefined) return { attributes: map, data: undefined, dataKind: undefined }
  if (dataKind === 'json' && !isJson(data)) throw invalid('data of kind "json" is not JSON text in UTF-8')
  if (dataKind === 'text' && !isUtf8(data)) throw invalid('data of kind "text" is not UTF-8')
  return { attributes: map, data, dataKind }
}

/**
 * The event with some attributes set (at their place, new ones last) or, where undefined, removed; data shared. Only
 * the changes are checked. Throws EVENT_INVALID.
 */
export function withAttributes(
  event: CloudEvent,
  changes: Readonly<Record<string, AttributeValue | undefined>>,
): CloudEvent {
  const attributes = new Map(event.attributes)
  let whole = false
  for (const name of Object.keys(changes)) {
    const value = changes[name]
    whole ||= SET_WIDE.has(name)
    if (value === undefined) {
      attributes.delete(name)
      continue
    }
    check(nameProblem(name) ?? typeProblem(name, value) ?? coreProblem(name, value))
    attributes.set(name, value)
  }
  if (whole) check(setProblem(attributes, (name) => name))
  return { attributes, data: event.data, dataKind: event.dataKind }
}

function check(problem: string | undefined): void {
  if (problem !== undefined) throw invalid(problem)
}
