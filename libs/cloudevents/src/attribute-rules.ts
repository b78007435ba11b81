import type { AttributeValue } from './event.ts'
import { shown } from './invalid.ts'
import { isMediaType } from './media-type.ts'
import { isTimestamp } from './timestamp.ts'
import { isAbsoluteUri, isUriReference } from './uri.ts'

export const REQUIRED = ['specversion', 'id', 'source', 'type'] as const

/** What is wrong with a name: only `[a-z0-9]+` and never `data`. */
export function nameProblem(name: string): string | undefined {
  if (name === 'data') return 'an attribute must not be named "data"'
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (!((code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39))) {
      return `attribute name ${shown(name)} has characters other than a-z and 0-9`
    }
  }
  return name.length === 0 ? 'an attribute name is empty' : undefined
}

/** What is wrong with a value of any CloudEvents type, whatever the attribute. */
export function typeProblem(name: string, value: unknown): string | undefined {
  if (typeof value === 'boolean') return undefined
  if (typeof value === 'string') return textProblem(name, value)
  if (typeof value !== 'number') return `attribute ${shown(name)} is ${shown(value)}: only strings, integers, booleans`
  if ((value | 0) === value) return undefined
  return `attribute ${shown(name)} is ${value}: numbers must be integers from -2147483648 to 2147483647`
}

/** What is wrong with the text of a string value: controls, noncharacters, lone surrogates. */
export function textProblem(name: string, text: string): string | undefined {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x20 && code < 0x7f) continue
    if (code < 0xa0) return `attribute ${shown(name)} has the control character ${codePoint(code)}`
    if (code < 0xd800) continue
    let point = code
    if (code < 0xe000) {
      point = text.codePointAt(i) as number
      if (point < 0x10000) return `attribute ${shown(name)} has the lone surrogate ${codePoint(code)}`
      i++
    }
    if ((point & 0xfffe) === 0xfffe || (point >= 0xfdd0 && point <= 0xfdef)) {
      return `attribute ${shown(name)} has the noncharacter ${codePoint(point)}`
    }
  }
  return undefined
}

/** What a core attribute demands of its value beyond the type; extensions demand nothing. */
export function coreProblem(name: string, value: AttributeValue): string | undefined {
  switch (name) {
    case 'id':
    case 'type':
    case 'subject':
      return value === '' || typeof value !== 'string' ? notNonEmpty(name, value) : undefined
    case 'source':
      if (value === '' || typeof value !== 'string') return notNonEmpty(name, value)
      return isUriReference(value) ? undefined : `attribute "source" is not a URI-reference: ${shown(value)}`
    case 'time':
      if (typeof value === 'string' && isTimestamp(value)) return undefined
      return `attribute "time" is not an RFC 3339 timestamp: ${shown(value)}`
    case 'datacontenttype':
      if (typeof value === 'string' && isMediaType(value)) return undefined
      return `attribute "datacontenttype" is not a media type: ${shown(value)}`
    case 'specversion':
      if (value === '1.0' || value === '0.3') return undefined
      return `attribute "specversion" is ${shown(value)}: only "1.0" and "0.3" are supported`
    default:
      return undefined
  }
}

/** What is wrong with the set as a whole: required ones missing, the schema's address. `label` names an attribute. */
export function setProblem(
  attributes: ReadonlyMap<string, AttributeValue>,
  label: (name: string) => string,
): string | undefined {
  const missing = REQUIRED.filter((name) => !attributes.has(name))
  if (missing.length > 0) return `required but missing: ${missing.map(label).join(', ')}`
  return schemaProblem(attributes)
}

/** The schema's address is `dataschema` in 1.0 and `schemaurl` in 0.3; the other name is an extension there. */
function schemaProblem(attributes: ReadonlyMap<string, AttributeValue>): string | undefined {
  const name = attributes.get('specversion') === '0.3' ? 'schemaurl' : 'dataschema'
  const schema = attributes.get(name)
  if (schema === undefined || (typeof schema === 'string' && isAbsoluteUri(schema))) return undefined
  return `attribute ${shown(name)} is not an absolute URI: ${shown(schema)}`
}

function notNonEmpty(name: string, value: AttributeValue): string {
  return `attribute ${shown(name)} must be a non-empty string, not ${shown(value)}`
}

function codePoint(code: number): string {
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}
