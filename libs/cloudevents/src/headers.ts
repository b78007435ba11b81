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

interface Spelling {
  readonly name: string
  readonly lower: string
  /** As Go writes header names. */
  readonly title: string
}

// Found by length and compared, which spares hashing a string that was made a moment ago
const BY_LENGTH: readonly (readonly Spelling[])[] = Array.from({ length: 24 }, (_, length) =>
  COMMON.filter((name) => name.length + 3 === length).map((name) => ({
    name,
    lower: `ce-${name}`,
    title: `Ce-${name[0]?.toUpperCase()}${name.slice(1)}`,
  })),
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
  const spellings = BY_LENGTH[header.length]
  if (spellings !== undefined) {
    for (let i = 0; i < spellings.length; i++) {
      const { name, lower, title } = spellings[i] as Spelling
      if (header === lower || header === title) return name
    }
  }
  const name = header.slice(3).toLowerCase()
  const problem = nameProblem(name)
  if (problem !== undefined) throw invalid(problem)
  return name
}
