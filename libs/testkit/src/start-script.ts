import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EventingError } from '@sluice/errors'

export interface StartScript {
  /** Variables it sets; that of the compile cache with an absolute path. */
  readonly env: Readonly<Record<string, string>>
  /** For Node itself, before `main`. */
  readonly nodeArgs: readonly string[]
  /** Absolute. */
  readonly main: string
}

/**
 * What `npm start` runs, read from the root's package.json so that tests and bench run the same, flags included.
 * Throws INTERNAL for a script of another form than `[NAME=value] exec node [flags] file`.
 */
export function startScript(root: string): StartScript {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
  const [, assigned = '', flags, main] = FORM.exec(scripts.start) ?? []
  if (flags === undefined || main === undefined) {
    const text = `npm start is not "[NAME=value] exec node [flags] file": ${scripts.start}`
    throw new EventingError({ code: 'INTERNAL' }, text)
  }
  const env: Record<string, string> = {}
  for (const word of wordsOf(assigned)) {
    const [name = '', value = ''] = word.split('=')
    env[name] = name === 'NODE_COMPILE_CACHE' ? join(root, value) : value
  }
  return { env, nodeArgs: wordsOf(flags), main: join(root, main) }
}

const FORM = /^((?:[A-Z_]+=\S+ )*)exec node((?: --\S+)*) (\S+)$/

function wordsOf(text: string): string[] {
  return text.split(' ').filter((word) => word !== '')
}
