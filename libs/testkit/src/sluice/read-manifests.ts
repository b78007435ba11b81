import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { EventingError } from '@sluice/errors'
import {
  formatProblem,
  joinManifests,
  loadManifests,
  type Manifests,
  parseManifest,
  type Resource,
} from '@sluice/resources'
import type { ManifestsGiven } from './options.ts'

/** Every resource. Rejects with MANIFESTS_INVALID and `file:line:col: path: problem`, every one. */
export async function readManifests(given: ManifestsGiven): Promise<readonly Resource[]> {
  const { resources, problems } = await read(given)
  if (problems.length > 0) throw invalid(problems.map(formatProblem))
  return resources
}

export function invalid(problems: readonly string[]): EventingError {
  return new EventingError({ code: 'MANIFESTS_INVALID', problems }, `manifests invalid:\n${problems.join('\n')}`)
}

async function read(given: ManifestsGiven): Promise<Manifests> {
  if (typeof given === 'string' && isPath(given)) {
    const isFile = statSync(given, { throwIfNoEntry: false })?.isFile() === true
    return isFile ? joinManifests([parseManifest(given, await readFile(given))]) : loadManifests(given)
  }
  const all = Array.isArray(given) ? given : [given]
  return joinManifests(
    all.map((one, index) => {
      const name = all.length === 1 ? 'manifests' : `manifests[${index}]`
      // JSON is YAML, so an object's problems have places too
      return parseManifest(name, Buffer.from(typeof one === 'string' ? one : JSON.stringify(one, undefined, 2)))
    }),
  )
}

function isPath(text: string): boolean {
  return !text.includes('\n') && !text.trimStart().startsWith('{') && text.trim() !== ''
}
