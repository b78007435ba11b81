import {
  isAlias,
  isDocument,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Document as YamlDocument,
} from 'yaml'
import { formatPath, type Problem, shown } from './problem.ts'

const MAX_FILE_BYTES = 1024 * 1024
const MAX_DEPTH = 100
/** Nodes of one document read again through aliases; the others are bounded by the file's size. */
const MAX_ALIASED_NODES = 10_000
const MAX_SYNTAX_PROBLEMS = 10

export interface Place {
  readonly line: number
  readonly column: number
}

/** One YAML document as plain data. */
export interface ReadDocument {
  readonly value: unknown
  /** Where the value at `path` begins, or its key; for what is not there, the nearest thing around it. */
  place(path: readonly PropertyKey[], at: 'key' | 'value'): Place
}

/**
 * The documents of one file, empty ones left out. A document with a problem is not among them, so that nothing is
 * judged that YAML may have misread. Never throws.
 */
export function readYaml(file: string, bytes: Uint8Array): { documents: ReadDocument[]; problems: Problem[] } {
  const refused = (problem: string) => ({
    documents: [],
    problems: [{ file, line: 1, column: 1, path: '(file)', problem }],
  })
  if (bytes.byteLength > MAX_FILE_BYTES) return refused('is larger than 1 MiB: split it')
  const text = utf8(bytes)
  if (text === undefined) return refused('is not UTF-8 text')
  if (bracketDepth(text) > MAX_DEPTH * 5) return refused(`is nested more than ${MAX_DEPTH} levels deep`)
  const lineCounter = new LineCounter()
  // uniqueKeys compares every key with every other: a minute for a hostile file. The walk below checks them itself.
  const parsed = parseAllDocuments(text, { lineCounter, prettyErrors: false, uniqueKeys: false, logLevel: 'silent' })
  const placeAt = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const documents: ReadDocument[] = []
  const problems: Problem[] = []
  for (const document of parsed) {
    if (!isDocument(document)) continue
    const found = syntaxProblems(document).map(({ offset, problem }) => ({
      file,
      ...placeAt(offset),
      path: '(yaml)',
      problem,
    }))
    const walk = found.length === 0 ? new Walk(placeAt) : undefined
    const value = walk?.read(document.contents, [], undefined)
    if (walk !== undefined) found.push(...walk.problems.map((problem) => ({ file, ...problem })))
    problems.push(...found)
    if (walk !== undefined && found.length === 0 && value !== null && value !== undefined)
      documents.push({ value, place: (path, at) => walk.place(path, at) })
  }
  return { documents, problems }
}

function syntaxProblems(document: YamlDocument): { offset: number; problem: string }[] {
  return [...document.errors, ...document.warnings].slice(0, MAX_SYNTAX_PROBLEMS).map(({ code, message, pos }) => ({
    offset: pos[0],
    problem:
      code === 'RESOURCE_EXHAUSTION'
        ? `is nested more than ${MAX_DEPTH} levels deep`
        : code === 'TAB_AS_INDENT'
          ? 'a tab may not indent: use spaces'
          : (message.split('\n')[0] ?? code),
  }))
}

/** Turns nodes into plain data and remembers where each came from. */
class Walk {
  readonly problems: (Place & { path: string; problem: string })[] = []
  readonly #placeAt: (offset: number) => Place
  readonly #places = new Map<string, { key: number; value: number }>()
  readonly #open = new Set<Node>()
  readonly #anchors = new Map<string, Node>()
  #aliasDepth = 0
  #aliasedNodes = 0

  constructor(placeAt: (offset: number) => Place) {
    this.#placeAt = placeAt
  }

  place(path: readonly PropertyKey[], at: 'key' | 'value'): Place {
    for (let length = path.length; length >= 0; length--) {
      const offsets = this.#places.get(formatPath(path.slice(0, length)))
      if (offsets !== undefined) return this.#placeAt(length === path.length ? offsets[at] : offsets.key)
    }
    return { line: 1, column: 1 }
  }

  read(node: unknown, path: readonly PropertyKey[], keyOffset: number | undefined): unknown {
    const offset = (node as Node | null)?.range?.[0] ?? keyOffset ?? 0
    const key = keyOffset ?? offset
    const isPlain = isScalar(node) && node.value !== null
    // an empty value and a collection are looked for at their key
    this.#places.set(formatPath(path), { key, value: isPlain || isAlias(node) ? offset : key })
    if (node === null) return null
    if (isAlias(node)) return this.#alias(node.source, offset, path, keyOffset)
    const target = node as Node & { anchor?: string }
    if (target.anchor !== undefined) this.#anchors.set(target.anchor, target)
    if (this.#aliasDepth > 0 && ++this.#aliasedNodes > MAX_ALIASED_NODES) return undefined
    if (isScalar(target)) return this.#scalar(target.value, offset, path)
    if (this.#open.has(target)) return this.#refuse(key, path, 'the alias is inside what it names')
    if (path.length >= MAX_DEPTH) return this.#refuse(key, path, `is nested more than ${MAX_DEPTH} levels deep`)
    this.#open.add(target)
    const read = isMap(target)
      ? this.#map(target.items, path)
      : isSeq(target)
        ? target.items.map((item, i) => this.read(item, [...path, i], undefined))
        : this.#refuse(key, path, 'is not a map, a list or a plain value')
    this.#open.delete(target)
    return read
  }

  #alias(anchor: string, offset: number, path: readonly PropertyKey[], keyOffset: number | undefined): unknown {
    const target = this.#anchors.get(anchor)
    if (target === undefined) return this.#refuse(offset, path, 'the alias has no anchor before it')
    if (this.#aliasedNodes > MAX_ALIASED_NODES) return undefined
    this.#aliasDepth++
    const read = this.read(target, path, keyOffset)
    this.#aliasDepth--
    this.#places.set(formatPath(path), { key: keyOffset ?? offset, value: offset })
    if (this.#aliasDepth === 0 && this.#aliasedNodes > MAX_ALIASED_NODES)
      return this.#refuse(offset, path, 'the aliases expand to too much')
    return read
  }

  #map(items: readonly unknown[], path: readonly PropertyKey[]): Record<string, unknown> {
    const map: Record<string, unknown> = {}
    const firstAt = new Map<string, number>()
    for (const pair of items) {
      if (!isPair(pair)) continue
      const offset = (pair.key as Node | null)?.range?.[0] ?? 0
      const name = isScalar(pair.key) ? pair.key.value : undefined
      if (typeof name !== 'string' || name === '__proto__') {
        this.#refuse(offset, path, `a key must be a string, found ${shown(name ?? {})}: put it in quotes`)
        continue
      }
      if (name === '<<') {
        this.#refuse(offset, [...path, name], 'merge keys are not supported: write the fields out')
        continue
      }
      const first = firstAt.get(name)
      if (first !== undefined) {
        const { line, column } = this.#placeAt(first)
        this.#refuse(offset, [...path, name], `the key is there twice, first at ${line}:${column}`)
        continue
      }
      firstAt.set(name, offset)
      map[name] = this.read(pair.value, [...path, name], offset)
    }
    const start = firstAt.values().next().value
    if (path.length === 0 && start !== undefined) this.#places.set(formatPath([]), { key: start, value: start })
    return map
  }

  #scalar(value: unknown, offset: number, path: readonly PropertyKey[]): unknown {
    const isPlain = value === null || typeof value === 'string' || typeof value === 'boolean'
    if (isPlain || (typeof value === 'number' && Number.isFinite(value))) return value
    return this.#refuse(offset, path, 'only strings, finite numbers, true, false and null are known here')
  }

  #refuse(offset: number, path: readonly PropertyKey[], problem: string): undefined {
    this.problems.push({ ...this.#placeAt(offset), path: formatPath(path), problem })
  }
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Deepest run of brackets opened and not closed; parsing takes seconds for a megabyte of them. */
function bracketDepth(text: string): number {
  let depth = 0
  let deepest = 0
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (char === 0x5b || char === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (char === 0x5d || char === 0x7d) depth = Math.max(0, depth - 1)
  }
  return deepest
}
