import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EventingError } from '@sluice/errors'

export interface StartScript {
  /** For Node itself, before `main`. */
  readonly nodeArgs: readonly string[]
  /** Absolute. */
  readonly main: string
}

/**
 * What `npm start` runs, read from the root's package.json so that tests and bench run the same, flags included.
 * Rejects a script of another form than `exec node [flags] file` with INTERNAL.
 */
export function startScript(root: string): StartScript {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
  const [, flags, main] = /^exec node((?: --\S+)*) (\S+)$/.exec(scripts.start) ?? []
  if (flags === undefined || main === undefined) {
    throw new EventingError({ code: 'INTERNAL' }, `npm start is not "exec node [flags] file": ${scripts.start}`)
  }
  return { nodeArgs: flags.split(' ').filter((flag) => flag !== ''), main: join(root, main) }
}
