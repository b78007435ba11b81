import { type AttributeValue, attributeText, type CloudEvent } from '@sluice/cloudevents'

/** The event's hop counter, which is the installation's and not the user's. */
export const HOP_COUNTER = 'knativebrokerttl'

/**
 * An attribute as filters see it, with its type; undefined when absent. Only attributes the event carries are present
 * (Knative also counts an unset `time`), plus three derived names as in Knative: `datamediatype`, and `dataschema` and
 * `schemaurl` for each other.
 */
export function comparedValue(event: CloudEvent, name: string): AttributeValue | undefined {
  const value = event.attributes.get(name)
  if (value === undefined) return derivedText(event, name)
  return name === HOP_COUNTER ? undefined : value
}

/** The text it is compared by: integers and booleans as they are written in a header, times as they came. */
export function comparedText(event: CloudEvent, name: string): string | undefined {
  const value = comparedValue(event, name)
  return value === undefined ? undefined : attributeText(value)
}

/** The names for which `comparedValue` may have one, each once. */
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
