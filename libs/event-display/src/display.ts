import type { CloudEvent } from '@sluice/cloudevents'
import { dataLines } from './data-text.ts'
import { printable } from './printable.ts'

/** In this order; every other attribute is an extension. Source: cloudevents/sdk-go v2 EventContextV1.String. */
const CONTEXT_ATTRIBUTES = [
  'specversion',
  'type',
  'source',
  'subject',
  'id',
  'time',
  'dataschema',
  'schemaurl',
  'datacontenttype',
]

/** An event in the shape that Knative's event_display prints, safe for a terminal; ends with a newline. */
export function display(event: CloudEvent): string {
  const { attributes } = event
  const extensions = [...attributes.keys()].filter((name) => !CONTEXT_ATTRIBUTES.includes(name)).sort()
  const lines = ['☁️  cloudevents.Event', 'Context Attributes,', ...attributeLines(event, CONTEXT_ATTRIBUTES)]
  if (extensions.length > 0) lines.push('Extensions,', ...attributeLines(event, extensions))
  if (event.data !== undefined) lines.push('Data,', ...dataLines(event).map((line) => `  ${line}`))
  return `${lines.join('\n')}\n`
}

function attributeLines({ attributes }: CloudEvent, names: readonly string[]): string[] {
  return names
    .filter((name) => attributes.has(name))
    .map((name) => `  ${name}: ${printable(String(attributes.get(name)))}`)
}
