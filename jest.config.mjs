import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'

const rootDir = import.meta.dirname
const PREFIX = { 'libs/channels': 'channel-', 'libs/sources': 'source-', apps: 'app-' }
const folders = ['libs', 'libs/channels', 'libs/sources', 'apps'].flatMap((kind) =>
  readdirSync(`${rootDir}/${kind}`)
    .filter((name) => existsSync(`${rootDir}/${kind}/${name}/package.json`))
    .map((name) => ({
      name: `${PREFIX[kind] ?? ''}${name}`,
      roots: ['src', 'test'].map((part) => `${rootDir}/${kind}/${name}/${part}`).filter(existsSync),
    })),
)

export default {
  rootDir,
  reporters: ['default', '<rootDir>/tools/tally.mjs'],
  // Most tests wait for processes and servers: one worker per core but one leaves a machine of two idle half the time.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  testSequencer: '<rootDir>/tools/longest-first.mjs',
  testTimeout: 30_000, // a bound for what hangs; a test that starts processes is slow on a busy machine
  coverageProvider: 'v8',
  collectCoverageFrom: ['{apps,libs}/**/src/**/*.ts', '!**/main.ts'],
  projects: [...folders, { name: 'tests', roots: [`${rootDir}/tests`] }].map(({ name, roots }) => ({
    displayName: `@sluice/${name}`,
    rootDir, // one root for all: coverage patterns are matched against it
    roots,
    testMatch: ['**/*.test.ts'],
    testPathIgnorePatterns: ['/node_modules/', '/fixtures/'],
    modulePathIgnorePatterns: ['/dist/', '/fixtures/'],
    testEnvironment: 'node',
    extensionsToTreatAsEsm: ['.ts'],
    transform: { '\\.ts$': '<rootDir>/tools/strip-types.mjs' },
  })),
}
