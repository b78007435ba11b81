import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

export interface SourceFile {
  /** From the workspace's root, with slashes. */
  readonly path: string
  /** Tests, conformance suites and doors for tests may lean on more than what ships. */
  readonly isTest: boolean
  readonly text: string
  readonly imports: readonly string[]
}

export interface Package {
  readonly name: string
  /** From the workspace's root. */
  readonly folder: string
  readonly layer: string
  /** What may be imported from it, `.` included. */
  readonly doors: ReadonlySet<string>
  readonly dependencies: readonly string[]
  readonly devDependencies: readonly string[]
  readonly files: readonly SourceFile[]
}

export interface Workspace {
  readonly packages: readonly Package[]
  /** Tools of the root that every test may use. */
  readonly toolNames: readonly string[]
}

/** Where packages are, as in pnpm-workspace.yaml. */
const GROUPS = ['apps', 'libs', 'libs/channels', 'libs/sources']
const SINGLES = ['tests', 'tests/perf']
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', 'dist', 'generated', 'coverage'])
const TEST_FILE = /\.test\.ts$|\.conformance\.ts$|\/(test|conformance)\/|\/testing\.ts$/

/** Reads every package of a workspace with its sources; `tests/fixtures` is no part of it. */
export function readWorkspace(root: string): Workspace {
  const folders = [
    ...GROUPS.flatMap((group) => namesIn(join(root, group)).map((name) => `${group}/${name}`)),
    ...SINGLES,
  ]
  const manifest = readJson(join(root, 'package.json'))
  return {
    packages: folders
      .filter((folder) => existsSync(join(root, folder, 'package.json')))
      .map((folder) => readPackage(root, folder)),
    toolNames: Object.keys(manifest.devDependencies ?? {}),
  }
}

interface Manifest {
  name?: string
  sluice?: { layer?: string }
  exports?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

function readPackage(root: string, folder: string): Package {
  const manifest = readJson(join(root, folder, 'package.json'))
  const layer = manifest.sluice?.layer ?? ''
  const files = sourcesIn(join(root, folder)).map((file): SourceFile => {
    const path = relative(root, file).replaceAll('\\', '/')
    const text = readFileSync(file, 'utf8')
    const isTest = layer === 'tests' || layer === 'testing' || TEST_FILE.test(path)
    return { path, isTest, text, imports: importsOf(text) }
  })
  return {
    name: manifest.name ?? '',
    folder,
    layer,
    doors: new Set(Object.keys(manifest.exports ?? {})),
    dependencies: Object.keys(manifest.dependencies ?? {}),
    devDependencies: Object.keys(manifest.devDependencies ?? {}),
    files,
  }
}

/** Sources below a folder, packages nested in it excepted. */
function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (!entry.isDirectory()) return /\.(ts|mts|mjs|tsx)$/.test(entry.name) ? [path] : []
    const isElsewhere =
      SKIPPED.has(entry.name) || path.endsWith('tests/fixtures') || existsSync(join(path, 'package.json'))
    return isElsewhere ? [] : sourcesIn(path)
  })
}

/** What a text imports, types included, statically or on demand. Comments are left out. */
export function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const patterns = [
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"\n]+)['"]/gm,
    /^\s*import\s*['"]([^'"\n]+)['"]/gm,
    /\bimport\(\s*['"]([^'"\n]+)['"]/g,
  ]
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ''))
}

/** Where a relative import leads, from the workspace's root. */
export function targetOf(file: SourceFile, specifier: string): string {
  return join(dirname(file.path), specifier).replaceAll('\\', '/')
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : []
}

function readJson(path: string): Manifest {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Manifest) : {}
}
