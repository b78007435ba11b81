import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { evaluate } from './index.ts'

const FOLDER = import.meta.dirname
const page = readFileSync(`${FOLDER}/../../../docs/reference/cesql.md`, 'utf8')

/** Rows of the tables headed "expression, yields". */
const examples = page.split('| expression | yields |\n| --- | --- |\n').flatMap((part, place) => {
  const rows = place === 0 ? [] : (part.split('\n\n')[0] as string).trim().split('\n')
  return rows.map((row) => /^\| `(.+)` \| `(.+)`(?:, (\w+))? \|$/.exec(row) ?? [row])
})

test('every example of the page yields what the page says', () => {
  const event = JSON.parse(/```json\n(.+?)```/s.exec(page)?.[1] ?? '')
  expect(examples.length).toBeGreaterThan(40)
  for (const [row, expression = row, value = '', error = null] of examples) {
    const expected = value.startsWith("'") ? value.slice(1, -1) : JSON.parse(value)
    expect([expression, evaluate(expression as string, event)]).toEqual([expression, { value: expected, error }])
  }
})

test('every function of the page exists, and every one that exists is on the page', () => {
  const section = page.split('## Functions')[1]?.split('| expression |')[0] ?? ''
  const named = new Set([...section.matchAll(/`([A-Z_]+)\(/g)].map(([, name]) => name))
  const source = readFileSync(`${FOLDER}/functions.ts`, 'utf8')
  const existing = new Set([...source.matchAll(/^ {2}\[\s*'([A-Z_]+)',/gm)].map(([, name]) => name))
  expect(existing.size).toBe(15)
  expect([...named].sort()).toEqual([...existing].sort())
})

test('the library needs nothing but itself, so that a browser can load it', () => {
  const sources = readdirSync(FOLDER).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  expect(sources.length).toBeGreaterThan(10)
  const imported = sources.flatMap((file) => [
    ...readFileSync(`${FOLDER}/${file}`, 'utf8').matchAll(
      /\bfrom '([^']+)'|\bimport\(|\brequire\(|\bnew Function\b|\beval\(/g,
    ),
  ])
  expect(imported.map(([all, from]) => from ?? all).filter((from) => !/^\.\/[a-z-]+\.ts$/.test(from))).toEqual([])
  const globals = sources.filter((file) =>
    /\b(process|Buffer|globalThis)\b/.test(readFileSync(`${FOLDER}/${file}`, 'utf8')),
  )
  expect(globals).toEqual([])
})
