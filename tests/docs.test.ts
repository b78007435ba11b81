import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { FAILURE_CODES } from '@sluice/errors'
import { apiTable } from '@sluice/resources/api'
import { formatProblem, manifestParser } from '@sluice/resources/manifests'
import { parseAllDocuments } from 'yaml'
import { firstCells, type Page, parsePage, readPages, targetOf } from './docs/pages.ts'

const ROOT = new URL('..', import.meta.url).pathname
const pages = readPages(ROOT)
const fences = (language: string) =>
  pages.flatMap(({ path, fences }) =>
    fences.filter((fence) => fence.language === language).map((fence) => ({ ...fence, at: `${path}:${fence.line}` })),
  )
const page = (path: string): Page => pages.find((each) => each.path === path) ?? parsePage(path, '')

/** The sources that ship, as one text. */
const sources = globSync('{apps,libs}/**/*.ts', { cwd: ROOT, exclude: ['**/node_modules'] })
  .filter((file) => /\/src\/.*\.ts$/.test(file) && !/node_modules|\.test\.ts$|\/conformance\//.test(file))
  .map((file) => readFileSync(join(ROOT, file), 'utf8'))
  .join('\n')
const named = (pattern: RegExp) => new Set([...sources.matchAll(pattern)].map(([, name]) => name as string))

describe('examples in the pages', () => {
  test('every manifest is accepted as it stands', () => {
    const manifests = fences('yaml').filter(({ text }) => /^kind: /m.test(text))
    expect(manifests.length).toBeGreaterThanOrEqual(4)
    const problems = manifests.flatMap(({ at, text }) =>
      manifestParser(apiTable())(at, Buffer.from(text)).problems.map(formatProblem),
    )
    expect(problems).toEqual([])
  })

  test('every piece of a manifest is YAML', () => {
    const wrong = fences('yaml').filter(({ text }) =>
      parseAllDocuments(text).some((document) => document.errors.length),
    )
    expect(wrong.map(({ at }) => at)).toEqual([])
  })

  test('every JSON is JSON', () => {
    expect(fences('json').length).toBeGreaterThan(0)
    for (const { text } of fences('json')) expect(JSON.parse(text)).toBeInstanceOf(Object)
  })
})

describe('links', () => {
  test('every relative link leads to a file, and to a heading where it names one', () => {
    const dead = pages.flatMap((from) =>
      from.links.flatMap((link) => {
        const target = targetOf(from, link)
        if (target === undefined) return []
        const isThere = existsSync(join(ROOT, target.path))
        const hasAnchor = target.anchor === '' || page(target.path).anchors.has(target.anchor)
        return isThere && hasAnchor ? [] : [`${from.path}: ${link}`]
      }),
    )
    expect(dead).toEqual([])
  })

  test('every page can be reached from the README', () => {
    const reached = new Set(['README.md'])
    for (const path of reached) {
      const from = page(path)
      for (const link of from.links) {
        const target = targetOf(from, link)?.path
        if (target !== undefined && pages.some((each) => each.path === target)) reached.add(target)
      }
    }
    expect(pages.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([])
  })
})

describe('names in the pages', () => {
  test('every variable in capitals is one that a service reads, or a code, or a reason', () => {
    const variables = named(
      /\b(?:text|bytes|boolean|fileText|port|portOrOff|originUrl|integer|oneOf|durationMs|serverUrls|subjectToken)\(\s*'([A-Z_]+)'/g,
    )
    expect(variables.size).toBeGreaterThan(15)
    const reasons = named(/'([A-Z]+_[A-Z_]+)'/g)
    const known = new Set([...variables, ...FAILURE_CODES, ...reasons, ...BUILD_ARGUMENTS])
    const unknown = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/(?<![\w/.])([A-Z]{2,}(?:_[A-Z]+)+)(?![\w*])/g)]
        .map(([, name]) => name as string)
        .filter((name) => !known.has(name) && !name.startsWith('OTEL_'))
        .map((name) => `${path}: ${name}`),
    )
    expect(unknown).toEqual([])
  })

  test('every metric is documented, and every documented metric exists', () => {
    const metrics = named(/\b(?:counter|gauge|histogram|count)\(\s*'([a-z]+(?:[._][a-z]+)+)'/g)
    expect(metrics.size).toBeGreaterThan(15)
    const documented = new Set(firstCells(page('docs/reference/metrics.md').text))
    expect([...documented].sort()).toEqual([...metrics].sort())
  })

  test('every reason to park is documented, and every documented reason exists', () => {
    const dispatcher = /type ParkReason =([^\n]*(?:\n {2}\|[^\n]*)*)/.exec(sources)?.[1] ?? ''
    const reasons = [...dispatcher.matchAll(/'(\w+)'/g)].map(([, reason]) => reason as string)
    const filter = named(/export const [A-Z_]+ = '([A-Z]+_[A-Z]+)'/g)
    const section = page('docs/reference/delivery.md').text.split('## Parking')[1]?.split('\n## ')[0] ?? ''
    expect(firstCells(section).sort()).toEqual([...new Set([...reasons, ...filter])].sort())
  })

  test('the HTTP page gives each code the status that the errors page gives it', () => {
    const statuses = new Map(
      [...page('docs/errors.md').text.matchAll(/^\| `(\w+)` \|.*\| (\S+) \|$/gm)].map(([, code, status]) => [
        code,
        status,
      ]),
    )
    const rows = [...page('docs/reference/http.md').text.matchAll(/^\| (\d{3}) \| (`.*?) \|/gm)]
    expect(rows.length).toBeGreaterThan(15)
    for (const [, status, codes] of rows) {
      for (const [, code] of (codes as string).matchAll(/`(\w+)`/g))
        expect([code, statuses.get(code)]).toEqual([code, status])
    }
  })
})

describe('decisions', () => {
  const decisions = pages.filter(({ path }) => /^docs\/adr\/\d{4}-/.test(path))

  test('each has its date, its status and every section', () => {
    expect(decisions.length).toBeGreaterThanOrEqual(6)
    for (const { path, text, anchors } of decisions) {
      expect([path, [...SECTIONS].filter((section) => !anchors.has(section))]).toEqual([path, []])
      expect(text).toMatch(
        /^# \d{4} .+\n\n[*-] Date: \d{4}-\d\d-\d\d · Status: (proposed|accepted|superseded by \d{4})\n/,
      )
    }
  })

  test('each is in the index', () => {
    const listed = page('docs/adr/README.md').links
    expect(decisions.map(({ path }) => path.split('/').pop()).filter((file) => !listed.includes(file ?? ''))).toEqual(
      [],
    )
  })
})

describe('the checks themselves', () => {
  const sample = parsePage('docs/a.md', '# A `b`, c\n\n[x](../x.md#y) `[no](link)`\n\n```json\n{}\n[z](z)\n```\n')

  test('find links, anchors and fences, and nothing inside code', () => {
    expect(sample.links).toEqual(['../x.md#y'])
    expect([...sample.anchors]).toEqual(['a-b-c'])
    expect(sample.fences).toEqual([{ language: 'json', text: '{}\n[z](z)\n', line: 6 }])
  })

  test('resolve a link from where it stands', () => {
    expect(targetOf(sample, '../x.md#y')).toEqual({ path: 'x.md', anchor: 'y' })
    expect(targetOf(sample, '#here')).toEqual({ path: 'docs/a.md', anchor: 'here' })
    expect(targetOf(sample, 'https://example.com')).toBeUndefined()
  })
})

const SECTIONS = ['context', 'decision', 'alternatives-and-why-not', 'consequences', 'what-would-change-our-mind']
/** Names that a page may use and no service reads. */
const BUILD_ARGUMENTS = ['NODE_IMAGE', 'NATS_IMAGE', 'KAFKA_IMAGE', 'INGRESS_PORTS']
