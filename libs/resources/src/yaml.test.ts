import { describe, expect, test } from '@jest/globals'
import { formatProblem } from './problem.ts'
import { readYaml } from './yaml.ts'

const read = (text: string | Uint8Array) =>
  readYaml('f.yaml', typeof text === 'string' ? new TextEncoder().encode(text) : text)
const problems = (text: string | Uint8Array) => read(text).problems.map(formatProblem)

describe('YAML that cannot be read', () => {
  test.each([
    ['a: 1\na: 2', 'f.yaml:2:1: a: the key is there twice, first at 1:1'],
    ['a:\n  b: 1\n  c: 1\n  b: 2', 'f.yaml:4:3: a.b: the key is there twice, first at 2:3'],
    ['a:\n\tb: 1', 'f.yaml:2:1: (yaml): a tab may not indent: use spaces'],
    ['a: b: c', 'f.yaml:1:4: (yaml): Nested mappings are not allowed in compact mappings'],
    ['a: "\\x"', 'f.yaml:1:5: (yaml): Invalid escape sequence \\x"'],
    ['ok: 1\n---\na: !foo x', 'f.yaml:3:4: (yaml): Unresolved tag: !foo'],
    ['a: !!binary aaaa', 'f.yaml:1:13: a: only strings, finite numbers, true, false and null are known here'],
    ['a: .inf', 'f.yaml:1:4: a: only strings, finite numbers, true, false and null are known here'],
    ['1: a', 'f.yaml:1:1: (document): a key must be a string, found 1: put it in quotes'],
    ['? [a]\n: b', 'f.yaml:1:3: (document): a key must be a string, found a map: put it in quotes'],
    ['__proto__: {a: 1}', 'f.yaml:1:1: (document): a key must be a string, found "__proto__": put it in quotes'],
    ['a: &x {b: 1}\nc:\n  <<: *x', 'f.yaml:3:3: c["<<"]: merge keys are not supported: write the fields out'],
    ['a: *x', 'f.yaml:1:4: a: the alias has no anchor before it'],
    ['a: &a\n  b: *a', 'f.yaml:2:3: a.b: the alias is inside what it names'],
  ])('%j', (text, expected) => {
    expect(problems(text)[0]).toBe(expected)
  })

  test('bytes that are not UTF-8', () => {
    expect(problems(new Uint8Array([0x61, 0xff]))).toEqual(['f.yaml:1:1: (file): is not UTF-8 text'])
  })

  test('more than 1 MiB; exactly 1 MiB is read', () => {
    const comment = (bytes: number) => `a: 1 #${'x'.repeat(bytes - 6)}`
    expect(problems(comment(1024 * 1024 + 1))).toEqual(['f.yaml:1:1: (file): is larger than 1 MiB: split it'])
    expect(read(comment(1024 * 1024)).documents.map((document) => document.value)).toEqual([{ a: 1 }])
  })
})

describe('hostile YAML is refused in bounded time', () => {
  const nines = (name: string, of: string) => `${name}: &${name} [${Array(9).fill(of).join(',')}]\n`
  test.each([
    ['a megabyte of brackets', '['.repeat(1024 * 1024), 'nested more than 100 levels deep'],
    ['maps in maps', '{a: '.repeat(200_000), 'nested more than 100 levels deep'],
    ['deep indentation', Array.from({ length: 1400 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''), 'levels deep'],
    ['101 levels', `${'['.repeat(101)}${']'.repeat(101)}`, 'nested more than 100 levels deep'],
    [
      'aliases of aliases',
      nines('a', 'x') + [...'bcdefgh'].map((name, i) => nines(name, `*${'abcdefg'[i]}`)).join(''),
      'the aliases expand to too much',
    ],
  ])('%s', (_, text, problem) => {
    const before = process.cpuUsage()
    expect(problems(text).join()).toContain(problem)
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000)
  })

  test('seventy thousand keys in one map are read in linear time', () => {
    const text = (keys: number) => Array.from({ length: keys }, (_, i) => `k${i}: v\n`).join('')
    const cpuOf = (keys: number) => {
      const before = process.cpuUsage()
      expect(read(text(keys)).problems).toEqual([])
      return process.cpuUsage(before).user
    }
    // Quadratic time would be a hundred times as much, not ten
    expect(cpuOf(70_000) / cpuOf(7_000)).toBeLessThan(40)
  })
})

describe('YAML that is read', () => {
  test('documents come as plain data, empty ones are left out', () => {
    const { documents, problems } = read('\uFEFF# c\n---\na: {b: [1, "2", true, null], c: ~}\n---\n---\n# end\n')
    expect(problems).toEqual([])
    expect(documents.map((document) => document.value)).toEqual([{ a: { b: [1, '2', true, null], c: null } }])
  })

  test('an empty file has no documents', () => {
    expect(read('')).toEqual({ documents: [], problems: [] })
  })

  test('places lead to the value, the key, or the nearest thing around what is missing', () => {
    const [document] = read('a:\n  b: [1,\n    {c: x}]\n').documents
    expect(document?.place(['a', 'b', 1, 'c'], 'value')).toEqual({ line: 3, column: 9 })
    expect(document?.place(['a', 'b', 1, 'c'], 'key')).toEqual({ line: 3, column: 6 })
    expect(document?.place(['a', 'b', 1, 'missing'], 'key')).toEqual({ line: 3, column: 5 })
    expect(document?.place(['missing'], 'key')).toEqual({ line: 1, column: 1 })
  })
})
