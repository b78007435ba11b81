import { nameProblem } from './attribute-rules.ts'
import { invalid } from './invalid.ts'

/** Attributes that most events have: their header names need no string work. */
const COMMON = [
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'dataschema',
  'partitionkey',
  'sequence',
  'traceparent',
  'tracestate',
  'knativebrokerttl',
  'knativearrivaltime',
] as const

const HEADERS: ReadonlyMap<string, string> = new Map(COMMON.map((name) => [name, `ce-${name}`]))

// As Node, curl and undici spell them, and as Go does
const ATTRIBUTES: ReadonlyMap<string, string> = new Map(
  COMMON.flatMap((name) => [
    [`ce-${name}`, name],
    [`Ce-${name[0]?.toUpperCase()}${name.slice(1)}`, name],
  ]),
)

/** Name of the header that carries an attribute in binary mode. */
export function headerOfAttribute(name: string): string {
  return HEADERS.get(name) ?? `ce-${name}`
}

/** True for a header name that starts with `ce-`, in any case. */
export function isCloudEventHeader(header: string): boolean {
  return (
    (header.charCodeAt(0) | 0x20) === 0x63 && (header.charCodeAt(1) | 0x20) === 0x65 && header.charCodeAt(2) === 0x2d
  )
}

/** The attribute that a `ce-` header carries. Throws EVENT_INVALID for what can't be an attribute's name. */
export function attributeOfHeader(header: string): string {
  const common = ATTRIBUTES.get(header)
  if (common !== undefined) return common
  const name = header.slice(3).toLowerCase()
  const problem = nameProblem(name)
  if (problem !== undefined) throw invalid(problem)
  return name
}
