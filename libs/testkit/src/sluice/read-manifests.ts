import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { EventingError } from '@sluice/errors'
import {
  formatProblem,
  joinFiles,
  loadFolder,
  type ManifestObject,
  type Manifests,
  type ParseFile,
} from '@sluice/resources/manifests'
import type { ManifestsGiven } from './options.ts'

/** Every object. Rejects with MANIFESTS_INVALID and `file:line:col: path: problem`, every one. */
export async function readManifests(given: ManifestsGiven, parse: ParseFile): Promise<readonly ManifestObject[]> {
  const { objects, problems } = await read(given, parse)
  if (problems.length > 0) throw invalid(problems.map(formatProblem))
  return objects
}

export function invalid(problems: readonly string[]): EventingError {
  return new EventingError({ code: 'MANIFESTS_INVALID', problems }, `manifests invalid:\n${problems.join('\n')}`)
}

async function read(given: ManifestsGiven, parse: ParseFile): Promise<Manifests> {
  if (typeof given === 'string' && isPath(given)) {
    const isFile = statSync(given, { throwIfNoEntry: false })?.isFile() === true
    return isFile ? joinFiles([parse(given, await readFile(given))]) : loadFolder(given, parse)
  }
  const all = Array.isArray(given) ? given : [given]
  return joinFiles(
    all.map((one, index) => {
      const name = all.length === 1 ? 'manifests' : `manifests[${index}]`
      // JSON is YAML, so an object's problems have places too
      return parse(name, Buffer.from(typeof one === 'string' ? one : JSON.stringify(one, undefined, 2)))
    }),
  )
}

function isPath(text: string): boolean {
  return !text.includes('\n') && !text.trimStart().startsWith('{') && text.trim() !== ''
}
