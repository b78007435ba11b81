import type { AttributeValue, CloudEvent } from './event.ts'

/** A value's canonical string, as headers carry it and as filters compare it. */
export function attributeText(value: AttributeValue): string {
  return typeof value === 'string' ? value : String(value)
}

/**
 * Size of an event in bytes: names and canonical strings of its attributes in UTF-8, unencoded, plus data. The same in
 * every mode and driver; this is what MAX_EVENT_BYTES bounds.
 */
export function eventBytes(event: CloudEvent): number {
  let bytes = event.data === undefined ? 0 : event.data.byteLength
  for (const [name, value] of event.attributes) bytes += name.length + utf8Length(attributeText(value))
  return bytes
}

function utf8Length(text: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text, 'utf8')
  }
  return text.length
}
