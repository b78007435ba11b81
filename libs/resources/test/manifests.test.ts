import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parseAllDocuments } from 'yaml'
import { type ApiObject, apiTable } from '../src/api/index.ts'
import { manifestParser } from '../src/manifests/index.ts'

const table = apiTable()
const parse = manifestParser(table)
const root = join(import.meta.dirname, '../../..')
const read = (pattern: string) =>
  globSync(pattern, { cwd: root }).map((file) => [file, readFileSync(join(root, file), 'utf8')] as const)

/** Every manifest that somebody may copy: examples, and blocks of the pages that a folder takes as they are. */
const MANIFESTS = [
  ...read('examples/**/*.yaml'),
  ...read('docs/**/*.md').flatMap(([file, page]) =>
    [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = ''], i) => [`${file} ${i + 1}`, text] as const),
  ),
].filter(([file, text]) => {
  const { objects, problems } = parse(file, new TextEncoder().encode(text))
  return problems.length === 0 && objects.length > 0
})

describe('what a folder of manifests takes, the API takes', () => {
  test('there are such manifests', () => {
    expect(MANIFESTS.length).toBeGreaterThan(5)
  })

  test.each(MANIFESTS)('%s', (_, text) => {
    const objects = parseAllDocuments(text).flatMap((document) => document.toJS() ?? []) as ApiObject[]
    for (const object of objects) {
      const { causes, unknownFields } = table.ofKind(object.apiVersion, object.kind)?.admit({ object }) ?? {}
      expect({ causes, unknownFields }).toEqual({ causes: [], unknownFields: [] })
    }
  })
})
