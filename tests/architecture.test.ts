import { describe, expect, test } from '@jest/globals'
import { RULES } from './architecture/rules.ts'
import { importsOf, readWorkspace } from './architecture/workspace.ts'

describe('the architecture', () => {
  const workspace = readWorkspace(new URL('..', import.meta.url).pathname)

  test('the packages and their sources are found', () => {
    const names = workspace.packages.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining(['@sluice/channel', '@sluice/app-ingress', '@sluice/channel-embedded']),
    )
    expect(workspace.packages.find(({ name }) => name === '@sluice/errors')?.files.length).toBeGreaterThan(2)
  })

  test.each(Object.entries(RULES))('%s', (_name, violations) => {
    expect(violations(workspace)).toEqual([])
  })
})

/** tests/fixtures/bad-import breaks every rule once, so that a rule that sees nothing is seen. */
describe('the fence bites', () => {
  const fixture = readWorkspace(new URL('./fixtures/bad-import', import.meta.url).pathname)

  test.each(
    Object.entries({
      'every package names a known layer': ['@bad/vague: layer "helper"'],
      'dependencies point the way the layers allow': expect.arrayContaining([
        '@bad/filter (domain) depends on @bad/channel-fast (adapter)',
      ]),
      'nobody depends on an app, not even a test': ['@bad/filter depends on the app @bad/app-all'],
      'packages depend on each other in no circle': ['@bad/filter → @bad/channel-fast → @bad/filter'],
      'what is imported is declared': ['libs/filter/src/index.ts imports undici, which @bad/filter does not declare'],
      'packages are entered by their doors': [
        'libs/filter/src/index.ts imports @bad/channel-fast/src/connection.ts, past the doors of @bad/channel-fast',
      ],
      'relative imports stay in their package': [
        'libs/filter/src/index.ts imports ../../channels/fast/src/index.ts, outside its package',
      ],
      'clients of brokers are known to adapters only': [
        '@bad/filter knows kafkajs',
        'libs/filter/src/index.ts knows kafkajs',
      ],
      'files stay short': ['apps/all/src/main.ts has 61 lines of code, at most 60 are allowed'],
      'failures carry a code': ['libs/filter/src/index.ts throws a bare Error'],
      'names say what they hold': ['libs/vague/src/utils.ts'],
    }),
  )('%s', (name, violations) => {
    expect(RULES[name]?.(fixture)).toEqual(violations)
  })

  test('no rule is without such a proof', () => {
    for (const [name, violations] of Object.entries(RULES))
      expect([name, violations(fixture).length]).not.toEqual([name, 0])
  })

  test('imports are seen in every form, over lines, as types and on demand, and not in comments', () => {
    const text = `
      import './a'
      import type { B } from './b'
      import {
        c,
      } from "./c"
      export * from './d'
      export { e } from './e'
      const f = await import('./f')
      // import './not-1'
      /* import './not-2' */
      const words = 'import from nowhere'
    `
    expect(importsOf(text).sort()).toEqual(['./a', './b', './c', './d', './e', './f'])
  })
})
