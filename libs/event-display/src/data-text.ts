import { type CloudEvent, isJsonContentType } from '@sluice/cloudevents'
import { printable } from './printable.ts'

/** Data beyond this is cut. */
export const MAX_SHOWN_BYTES = 65_536
/** Indenting costs depth times size. */
const MAX_JSON_DEPTH = 64

/** The data as lines to show: JSON indented with its numbers as written, text as it is, binary as its size. */
export function dataLines(event: CloudEvent): string[] {
  const { data = new Uint8Array() } = event
  const rest = data.length - MAX_SHOWN_BYTES
  const shown = decode(rest > 0 ? data.subarray(0, MAX_SHOWN_BYTES) : data, rest > 0)
  if (shown === undefined) return [`(${data.length} bytes of binary data)`]
  const text = rest <= 0 && isJson(event) ? indented(shown) : shown
  const lines = text.split(/\r?\n/).map(printable)
  return rest > 0 ? [...lines, `… (${rest} bytes more)`] : lines
}

function isJson({ attributes, dataKind }: CloudEvent): boolean {
  const contentType = attributes.get('datacontenttype')
  return dataKind === 'json' || typeof contentType !== 'string' || isJsonContentType(contentType)
}

/** Undefined for what is not UTF-8 text; a character cut at the end is left out. */
function decode(bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isCut })
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

function indented(text: string): string {
  if (depthOf(text) > MAX_JSON_DEPTH) return text
  try {
    return JSON.stringify(JSON.parse(text, asWritten), null, 2)
  } catch {
    return text
  }
}

/** Keeps a number's own digits: 12345678901234567890 must not be shown as something else. */
function asWritten(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined ? rawJson(context.source) : value
}

/** TypeScript's library does not know it yet. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

/** At least the nesting: brackets inside strings count too. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (const char of text) {
    if (char === '[' || char === '{') deepest = Math.max(deepest, ++depth)
    else if (char === ']' || char === '}') depth--
  }
  return deepest
}
