export const JSON_TYPE = 'application/json'
/** Sent with structured mode; compared without parameters and case when received. */
export const EVENT_TYPE = 'application/cloudevents+json'
export const BATCH_TYPE = 'application/cloudevents-batch+json'

const ESSENCE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const TEXT_ESSENCES: ReadonlySet<string> = new Set([
  'application/xml',
  'application/yaml',
  'application/x-yaml',
  'application/javascript',
  'application/ecmascript',
  'application/x-www-form-urlencoded',
  'application/x-ndjson',
  'application/graphql',
  'application/sql',
])

/** RFC 2046 `type/subtype`, then parameters in printable ASCII, whose own grammar is not looked at. */
export function isMediaType(text: string): boolean {
  if (text === JSON_TYPE) return true
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code > 0x7e) return false
  }
  return ESSENCE.test(beforeParameters(text))
}

/** Type and subtype in lower case, without parameters. */
export function essenceOf(mediaType: string): string {
  return beforeParameters(mediaType).toLowerCase()
}

/** True for any type whose subtype is `json` or ends in `+json`, and for none at all: CloudEvents then implies JSON. */
export function isJsonContentType(mediaType: string | undefined): boolean {
  if (mediaType === undefined || mediaType === JSON_TYPE) return true
  const essence = essenceOf(mediaType)
  return essence.endsWith('/json') || essence.endsWith('+json')
}

/** True for the types whose data reads as text: `text/*`, XML, YAML and a few named ones. */
export function isTextContentType(mediaType: string): boolean {
  const essence = essenceOf(mediaType)
  return (
    essence.startsWith('text/') || essence.endsWith('+xml') || essence.endsWith('+yaml') || TEXT_ESSENCES.has(essence)
  )
}

/** The `charset` parameter in lower case, unquoted; undefined without one. The first counts. */
export function charsetOf(mediaType: string): string | undefined {
  let at = mediaType.indexOf(';')
  while (at !== -1) {
    const equals = mediaType.indexOf('=', at)
    if (equals === -1) return undefined
    const name = mediaType.slice(mediaType.lastIndexOf(';', equals) + 1, equals)
    const end = parameterEnd(mediaType, equals + 1)
    if (name.trim().toLowerCase() === 'charset') return unquote(mediaType.slice(equals + 1, end).trim()).toLowerCase()
    at = end === mediaType.length ? -1 : end
  }
  return undefined
}

function beforeParameters(mediaType: string): string {
  const semicolon = mediaType.indexOf(';')
  return (semicolon === -1 ? mediaType : mediaType.slice(0, semicolon)).trim()
}

/** Index of the `;` after the value that starts at `start`, which may be a quoted string. */
function parameterEnd(text: string, start: number): number {
  let quoted = false
  for (let i = start; i < text.length; i++) {
    const char = text[i]
    if (quoted && char === '\\') i++
    else if (char === '"') quoted = !quoted
    else if (char === ';' && !quoted) return i
  }
  return text.length
}

function unquote(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"')
    ? text.slice(1, -1).replace(/\\(.)/g, '$1')
    : text
}
