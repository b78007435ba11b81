import { type Finding, findings } from './issues.ts'
import { kindOf, type Resource } from './kinds.ts'
import { formatPath, type Problem, shown } from './problem.ts'
import { type ReadDocument, readYaml } from './yaml.ts'

const DEFAULT_NAMESPACE = 'default'

/** An object by name, valid or not, so that namesakes are found even beside other problems. */
interface Named {
  readonly key: string
  readonly problemAt: (problem: string) => Problem
  readonly at: string
}

/** One file, judged alone. Pure: the same bytes give the same answer, so it may be kept while the file is unchanged. */
export interface ParsedFile {
  readonly resources: readonly Resource[]
  readonly named: readonly Named[]
  readonly problems: readonly Problem[]
}

/** What a folder says: every resource, or every problem of every file, in the order of files and lines. */
export interface Manifests {
  readonly resources: readonly Resource[]
  readonly problems: readonly Problem[]
}

/** Reads one file of manifests: several documents, Lists flattened. Never throws. */
export function parseManifest(file: string, bytes: Uint8Array): ParsedFile {
  const { documents, problems } = readYaml(file, bytes)
  const parsed: Parsed = { file, resources: [], named: [], problems: [...problems] }
  for (const document of documents) readObject(parsed, document, document.value, [])
  return parsed
}

/** The files of a folder together; names must be unique across them. */
export function joinManifests(files: Iterable<ParsedFile>): Manifests {
  const all = [...files]
  const problems = all.flatMap((file) => file.problems)
  const first = new Map<string, Named>()
  for (const named of all.flatMap((file) => file.named)) {
    const earlier = first.get(named.key)
    if (earlier === undefined) first.set(named.key, named)
    else problems.push(named.problemAt(`${named.key} is there twice, first at ${earlier.at}: remove one`))
  }
  const byPlace = (a: Problem, b: Problem) =>
    a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column
  return { resources: all.flatMap((file) => file.resources), problems: problems.sort(byPlace) }
}

interface Parsed {
  readonly file: string
  readonly resources: Resource[]
  readonly named: Named[]
  readonly problems: Problem[]
}

function readObject(parsed: Parsed, document: ReadDocument, value: unknown, prefix: readonly PropertyKey[]): void {
  const problemAt = (path: readonly PropertyKey[], at: 'key' | 'value', problem: string): Problem => {
    const full = [...prefix, ...path]
    return { file: parsed.file, ...document.place(full, at), path: formatPath(full), problem }
  }
  const header = readHeader(value)
  if ('refused' in header) {
    parsed.problems.push(...header.refused.map(({ path, at, problem }) => problemAt(path, at, problem)))
    return
  }
  const { object, apiVersion, kind, namespace, name } = header
  if (kind === 'List' && apiVersion === 'v1') {
    const { items, refused } = readList(object)
    parsed.problems.push(...refused.map(({ path, at, problem }) => problemAt(path, at, problem)))
    for (const [i, item] of items.entries()) readObject(parsed, document, item, [...prefix, 'items', i])
    return
  }
  const label = name === undefined ? kind : `${kind} ${namespace}/${name}`
  const definition = kindOf(apiVersion, kind)
  if ('problem' in definition) {
    parsed.problems.push(problemAt([definition.path], 'value', `${definition.problem} (${label})`))
    return
  }
  const { line, column } = document.place([...prefix, 'metadata', 'name'], 'value')
  const at = `${parsed.file}:${line}:${column}`
  if (name !== undefined)
    parsed.named.push({ key: label, at, problemAt: (problem) => problemAt(['metadata', 'name'], 'value', problem) })
  const read = definition.schema.safeParse(object)
  if (read.success) parsed.resources.push(definition.toResource(read.data, { namespace, name: name ?? '', at }))
  else
    for (const { path, at, problem } of findings(read.error, object))
      parsed.problems.push(problemAt(path, at, `${problem} (${label})`))
}

type Header =
  | { object: Record<string, unknown>; apiVersion: string; kind: string; namespace: string; name: string | undefined }
  | { refused: Finding[] }

function readHeader(value: unknown): Header {
  if (!isMap(value)) {
    const problem = `must be an object with apiVersion and kind, found ${shown(value)}`
    return { refused: [{ path: [], at: 'value', problem }] }
  }
  const { apiVersion, kind } = value
  if (isText(apiVersion) && isText(kind)) return { object: value, apiVersion, kind, ...identityOf(value) }
  const wrong = Object.entries({ apiVersion, kind }).filter(([, field]) => !isText(field))
  return {
    refused: wrong.map(([name, field]) => ({
      path: [name],
      at: 'value',
      problem: field === undefined ? 'is required' : `must be a string, found ${shown(field)}`,
    })),
  }
}

function readList(list: Readonly<Record<string, unknown>>): { items: readonly unknown[]; refused: Finding[] } {
  const refused: Finding[] = Object.keys(list)
    .filter((field) => !['apiVersion', 'kind', 'metadata', 'items'].includes(field))
    .map((field) => ({ path: [field], at: 'key', problem: 'is not a field of a List: remove it' }))
  const items = list.items ?? []
  if (Array.isArray(items)) return { items, refused }
  refused.push({ path: ['items'], at: 'value', problem: `must be a list, found ${shown(items)}` })
  return { items: [], refused }
}

function identityOf(object: Readonly<Record<string, unknown>>): { namespace: string; name: string | undefined } {
  const metadata = isMap(object.metadata) ? object.metadata : {}
  const { name, namespace } = metadata
  return {
    namespace: typeof namespace === 'string' ? namespace : DEFAULT_NAMESPACE,
    name: typeof name === 'string' && name !== '' && name.length <= 253 ? name : undefined,
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
