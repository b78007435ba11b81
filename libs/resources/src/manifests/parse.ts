import type { ApiObject, ApiTable, ServedVersion } from '../api/index.ts'
import type { Finding } from '../issues.ts'
import { formatPath, type Problem } from '../problem.ts'
import { type ReadDocument, readYaml } from '../yaml.ts'
import { readObject } from './read-object.ts'

/** One object of a file: as written, in a namespace if its kind has one. */
export interface ManifestObject {
  readonly served: ServedVersion
  readonly object: ApiObject
  /** `Broker default/orders`. */
  readonly label: string
  /** `file:line:col` of its name. */
  readonly at: string
  /** What the API has against it, in its place; `path` as in the object. */
  problem(path: readonly PropertyKey[], problem: string): Problem
}

/** One file, judged alone. Pure: the same bytes give the same answer, so it may be kept while the file is unchanged. */
export interface ParsedFile {
  readonly objects: readonly ManifestObject[]
  /** Valid or not, so that namesakes are found even beside other problems. */
  readonly named: readonly ManifestObject[]
  readonly problems: readonly Problem[]
}

/** What a folder says: every object, or every problem of every file, in the order of files and lines. */
export interface Manifests {
  readonly objects: readonly ManifestObject[]
  readonly problems: readonly Problem[]
}

export type ParseFile = (file: string, bytes: Uint8Array) => ParsedFile

/** Reads files of manifests: several documents, Lists flattened, each object judged as the API does. Never throws. */
export function manifestParser(table: ApiTable): ParseFile {
  return (file, bytes) => {
    const { documents, problems } = readYaml(file, bytes)
    const parsed = { file, objects: [], named: [], problems: [...problems] }
    for (const document of documents) read(table, parsed, document, document.value, [])
    return parsed
  }
}

/** The files of a folder together; names must be unique across them. */
export function joinFiles(files: Iterable<ParsedFile>): Manifests {
  const all = [...files]
  const problems = all.flatMap((file) => file.problems)
  const first = new Map<string, ManifestObject>()
  for (const named of all.flatMap((file) => file.named)) {
    const key = `${named.served.kind.group} ${named.label}`
    const earlier = first.get(key)
    if (earlier === undefined) first.set(key, named)
    else
      problems.push(
        named.problem(['metadata', 'name'], `${named.label} is there twice, first at ${earlier.at}: remove one`),
      )
  }
  return { objects: all.flatMap((file) => file.objects), problems: problems.sort(byPlace) }
}

export function byPlace(a: Problem, b: Problem): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column
}

interface Parsed {
  readonly file: string
  readonly objects: ManifestObject[]
  readonly named: ManifestObject[]
  readonly problems: Problem[]
}

function read(
  table: ApiTable,
  parsed: Parsed,
  document: ReadDocument,
  value: unknown,
  prefix: readonly PropertyKey[],
): void {
  const { file } = parsed
  const placed = ({ path, at, problem }: Finding): Problem => {
    const full = [...prefix, ...path]
    return { file, ...document.place(full, at), path: formatPath(full), problem }
  }
  const answer = readObject(table, value)
  parsed.problems.push(...answer.found.map(placed))
  if ('items' in answer)
    for (const [i, item] of answer.items.entries()) read(table, parsed, document, item, [...prefix, 'items', i])
  if (!('object' in answer)) return
  const { line, column } = document.place([...prefix, 'metadata', 'name'], 'value')
  const object: ManifestObject = {
    ...{ served: answer.served, object: answer.object, label: answer.label, at: `${file}:${line}:${column}` },
    problem: (path, problem) => placed({ path, at: 'value', problem }),
  }
  if (typeof answer.object.metadata.name === 'string') parsed.named.push(object)
  if (answer.found.length === 0) parsed.objects.push(object)
}
