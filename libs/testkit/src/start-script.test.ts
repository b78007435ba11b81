import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startScript } from './start-script.ts'

let root = ''
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-start-'))
})
afterAll(() => rmSync(root, { recursive: true }))
const scriptOf = (start: string) => {
  writeFileSync(join(root, 'package.json'), JSON.stringify({ scripts: { start } }))
  return startScript(root)
}

test('the start script is taken apart into variables, flags for Node and the file it runs', () => {
  expect(scriptOf('NODE_COMPILE_CACHE=cache X=1 exec node --a=1 --b apps/x/main.ts')).toEqual({
    env: { NODE_COMPILE_CACHE: join(root, 'cache'), X: '1' },
    nodeArgs: ['--a=1', '--b'],
    main: join(root, 'apps/x/main.ts'),
  })
  expect(scriptOf('exec node main.ts').nodeArgs).toEqual([])
})

test('a start script of another form is refused, so that nothing else is measured in its name', () => {
  expect(() => scriptOf('tsx main.ts')).toThrow('tsx main.ts')
})
