// jest with native ES modules, from any directory of the workspace
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const jest = join(dirname(createRequire(join(root, 'package.json')).resolve('jest/package.json')), 'bin/jest.js')
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    jest,
    '--rootDir',
    root,
    '--config',
    join(root, 'jest.config.mjs'),
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit', cwd: root },
)
process.exit(status ?? 1)
