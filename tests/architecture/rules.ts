import { isBuiltin } from 'node:module'
import { type Package, type SourceFile, targetOf, type Workspace } from './workspace.ts'

/** Who may depend on whom; what ships never depends on tests, and nobody on an app. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  kernel: ['kernel'],
  port: ['kernel'],
  platform: ['kernel'],
  adapter: ['port', 'kernel'],
  domain: ['domain', 'port', 'kernel'],
  /** The table of adapters to choose from; see ADR 8. */
  drivers: ['adapter', 'port', 'kernel'],
  app: ['platform', 'drivers', 'adapter', 'domain', 'port', 'kernel'],
  /** With one adapter, the embedded channel, in memory: ADR 14. */
  testing: ['adapter', 'domain', 'port', 'kernel'],
  tests: ['testing', 'platform', 'drivers', 'adapter', 'domain', 'port', 'kernel'],
}
const BROKER_CLIENT =
  /^(kafkajs|@platformatic\/kafka|@confluentinc\/|node-rdkafka|nats|@nats-io\/|amqplib|mqtt|ioredis|redis)/
const CLIENT_LAYERS: ReadonlySet<string> = new Set(['adapter', 'testing', 'tests'])
const VAGUE_NAME = /(^|\/)(utils?|common|helpers?|shared|core|misc)(\/|\.ts$)/
const MAX_LINES = { source: 400, test: 600, main: 60 }

/** Each rule answers its violations as sentences; none means it holds. */
export const RULES: Readonly<Record<string, (workspace: Workspace) => string[]>> = {
  'every package names a known layer': ({ packages }) =>
    packages
      .filter(({ layer }) => !Object.hasOwn(ALLOWED, layer))
      .map(({ name, layer }) => `${name}: layer "${layer}"`),

  'dependencies point the way the layers allow': ({ packages }) =>
    eachDependency(packages, 'dependencies')
      .filter(({ from, to }) => !ALLOWED[from.layer]?.includes(to.layer))
      .map(({ from, to }) => `${from.name} (${from.layer}) depends on ${to.name} (${to.layer})`),

  'nobody depends on an app, not even a test': ({ packages }) =>
    [...eachDependency(packages, 'dependencies'), ...eachDependency(packages, 'devDependencies')]
      .filter(({ to }) => to.layer === 'app')
      .map(({ from, to }) => `${from.name} depends on the app ${to.name}`),

  'packages depend on each other in no circle': ({ packages }) => circles(packages),

  'what is imported is declared': ({ packages, toolNames }) =>
    eachImport(packages).flatMap(({ from, file, specifier }) => {
      const name = packageNameOf(specifier)
      if (name === undefined || name === from.name) return []
      const declared = [...from.dependencies, ...(file.isTest ? [...from.devDependencies, ...toolNames] : [])]
      return declared.includes(name) ? [] : [`${file.path} imports ${specifier}, which ${from.name} does not declare`]
    }),

  'packages are entered by their doors': ({ packages }) =>
    eachImport(packages).flatMap(({ file, specifier }) => {
      const name = packageNameOf(specifier)
      const target = packages.find((candidate) => candidate.name === name)
      if (name === undefined || target === undefined) return []
      const door = `.${specifier.slice(name.length)}`
      return target.doors.has(door) ? [] : [`${file.path} imports ${specifier}, past the doors of ${name}`]
    }),

  'relative imports stay in their package': ({ packages }) =>
    eachImport(packages)
      .filter(({ specifier }) => specifier.startsWith('.'))
      .filter(({ from, file, specifier }) => !`${targetOf(file, specifier)}/`.startsWith(`${from.folder}/`))
      .map(({ file, specifier }) => `${file.path} imports ${specifier}, outside its package`),

  'clients of brokers are known to adapters only': ({ packages }) =>
    packages
      .filter(({ layer }) => !CLIENT_LAYERS.has(layer))
      .flatMap((from) => [
        ...from.dependencies.map((name) => ({ where: from.name, name })),
        ...from.files.flatMap(({ path, imports }) => imports.map((name) => ({ where: path, name }))),
      ])
      .filter(({ name }) => BROKER_CLIENT.test(name))
      .map(({ where, name }) => `${where} knows ${name}`),

  'files stay short': ({ packages }) =>
    packages.flatMap(({ files }) =>
      files.flatMap((file) => {
        const max = maxLines(file)
        const lines = codeLines(file.text)
        return lines > max ? [`${file.path} has ${lines} lines of code, at most ${max} are allowed`] : []
      }),
    ),

  'failures carry a code': ({ packages }) =>
    packages.flatMap(({ files }) =>
      files
        .filter(({ isTest, text }) => !isTest && /\bthrow new Error\b/.test(text))
        .map(({ path }) => `${path} throws a bare Error`),
    ),

  'names say what they hold': ({ packages }) =>
    packages.flatMap(({ files }) => files.filter(({ path }) => VAGUE_NAME.test(path)).map(({ path }) => path)),
}

function eachDependency(packages: readonly Package[], kind: 'dependencies' | 'devDependencies') {
  const byName = new Map(packages.map((one) => [one.name, one]))
  return packages.flatMap((from) =>
    from[kind].flatMap((name) => {
      const to = byName.get(name)
      return to === undefined ? [] : [{ from, to }]
    }),
  )
}

function eachImport(packages: readonly Package[]): { from: Package; file: SourceFile; specifier: string }[] {
  return packages.flatMap((from) =>
    from.files.flatMap((file) => file.imports.map((specifier) => ({ from, file, specifier }))),
  )
}

/** `@sluice/errors` of `@sluice/errors/x`; undefined for relative imports and Node's own modules. */
function packageNameOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || isBuiltin(specifier)) return undefined
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

function circles(packages: readonly Package[]): string[] {
  const edges = Map.groupBy(eachDependency(packages, 'dependencies'), ({ from }) => from.name)
  const found: string[] = []
  const done = new Set<string>()
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) found.push([...path.slice(path.indexOf(name)), name].join(' → '))
    else if (!done.has(name)) {
      for (const { to } of edges.get(name) ?? []) visit(to.name, [...path, name])
      done.add(name)
    }
  }
  for (const { name } of packages) visit(name, [])
  return found
}

/** Tables say so on line 1 and may be as long as they are. */
function maxLines({ path, isTest, text }: SourceFile): number {
  if (/^\/[/*].*\btable\b/i.test(text.split('\n', 1)[0] ?? '')) return Number.POSITIVE_INFINITY
  if (/^apps\/[^/]+\/src\/main\.ts$/.test(path)) return MAX_LINES.main
  return isTest ? MAX_LINES.test : MAX_LINES.source
}

/** Blank lines and comments don't count. */
function codeLines(text: string): number {
  return text.split('\n').filter((line) => !/^\s*($|\/\/|\/?\*)/.test(line)).length
}
