import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'

export interface ComposeFile {
  /** From the root. */
  readonly path: string
  /** Absolute; what the file's relative paths start from. */
  readonly folder: string
  readonly keys: readonly string[]
  readonly services: readonly ComposeService[]
  readonly volumes: readonly string[]
}

/** A service as written, references and merges resolved. */
export interface ComposeService {
  readonly name: string
  /** The folder of `apps/` it is made from; undefined for an image of others. */
  readonly app: string | undefined
  readonly environment: Readonly<Record<string, string>>
  readonly ports: readonly string[]
  readonly volumes: readonly string[]
  readonly spec: Readonly<Record<string, unknown>>
}

interface Written {
  readonly build?: { readonly args?: { readonly APP?: string } }
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
}

export function readCompose(root: string, path: string): ComposeFile {
  const file = parse(readFileSync(join(root, path), 'utf8'), { merge: true }) as {
    readonly services: Readonly<Record<string, Written>>
    readonly volumes: Readonly<Record<string, unknown>>
  }
  const services = Object.entries(file.services).map(([name, spec]) => ({
    ...{ name, app: spec.build?.args?.APP, environment: spec.environment ?? {} },
    ...{ ports: spec.ports ?? [], volumes: spec.volumes ?? [], spec: { ...spec } },
  }))
  return {
    ...{ path, folder: dirname(join(root, path)), services },
    keys: Object.keys(file),
    volumes: Object.keys(file.volumes),
  }
}

/** `${NAME-default}` and `${NAME:-default}` as Compose reads them: the former keeps a value that is empty. */
export function interpolated(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{([A-Z_]+)(:?)-([^}]*)\}/g, (_, name: string, colon: string, fallback: string) => {
    const value = env[name]
    return value === undefined || (colon === ':' && value === '') ? fallback : value
  })
}

/** An environment file of Compose. */
export function readEnvFile(root: string, path: string): Readonly<Record<string, string>> {
  const lines = readFileSync(join(root, path), 'utf8')
    .split('\n')
    .filter((line) => /^[A-Z_]+=/.test(line))
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/, 2) as [string, string]))
}

export interface Dockerfile {
  readonly text: string
  readonly env: Readonly<Record<string, string>>
  /** The program and its arguments. */
  readonly entrypoint: readonly string[]
  readonly healthcheck: string
  readonly user: string
}

/** The parts that a container gets from its image, of the last stage. */
export function readDockerfile(root: string, path: string): Dockerfile {
  const text = readFileSync(join(root, path), 'utf8')
  const lines = text.replaceAll(/\\\n\s*/g, '').split('\n')
  const last = (instruction: string) =>
    lines.findLast((line) => line.startsWith(`${instruction} `))?.slice(instruction.length + 1) ?? ''
  return {
    text,
    env: Object.fromEntries(
      last('ENV')
        .split(' ')
        .map((pair) => pair.split('=')),
    ),
    entrypoint: JSON.parse(last('ENTRYPOINT')) as string[],
    healthcheck: last('HEALTHCHECK'),
    user: last('USER'),
  }
}
