import { attributeText, type CloudEvent } from '@sluice/cloudevents'

/** The event's hop counter, which is the installation's and not the user's. */
export const HOP_COUNTER = 'knativebrokerttl'

/**
 * The text an attribute is compared by: integers and booleans as they are written in a header, times as they came.
 * Undefined when absent. Only attributes the event carries are present (Knative also counts an unset `time`), plus
 * three derived names as in Knative: `datamediatype`, and `dataschema` and `schemaurl` for each other.
 */
export function comparedText(event: CloudEvent, name: string): string | undefined {
  const value = event.attributes.get(name)
  if (value === undefined) return derivedText(event, name)
  if (name === HOP_COUNTER) return undefined
  return attributeText(value)
}

/** The names for which `comparedText` may have a text, each once. */
export function* comparedNames(event: CloudEvent): Iterable<string> {
  yield* event.attributes.keys()
  for (const name of DERIVED) if (!event.attributes.has(name)) yield name
}

const DERIVED = ['datamediatype', 'dataschema', 'schemaurl'] as const

function derivedText(event: CloudEvent, name: string): string | undefined {
  if (name === 'datamediatype') {
    const type = event.attributes.get('datacontenttype')
    return typeof type === 'string' ? type.split(';', 1)[0]?.trim().toLowerCase() : undefined
  }
  const twin = name === 'dataschema' ? 'schemaurl' : name === 'schemaurl' ? 'dataschema' : undefined
  return twin === undefined ? undefined : event.attributes.get(twin)?.toString()
}
