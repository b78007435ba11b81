import { EventingError, nearest } from '@sluice/errors'
import type { ConfigOf, Field, Shape } from './field.ts'

export type Env = Readonly<Record<string, string | undefined>>

const OWN_PREFIX = 'SLUICE_'
const MAX_SHOWN = 80
/** Kubernetes announces every Service of a namespace in such variables; one named `sluice-…` would look like ours. */
const SERVICE_LINK = /_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/

/**
 * What must hold between variables, as problems that begin with the name of one. A field that has a problem of its own
 * reads as undefined; `isSet` says whether there was something to read.
 */
export type Rules<S extends Shape> = (
  config: Partial<ConfigOf<S>>,
  isSet: (name: string) => boolean,
) => readonly string[]

/**
 * Reads every field of `shape` from `env` into a frozen config. An empty value counts as unset. All problems at once,
 * an unknown variable with our prefix and a broken rule included, as one EventingError CONFIG_INVALID.
 */
export function readConfig<S extends Shape>(shape: S, env: Env, rules: Rules<S> = () => []): ConfigOf<S> {
  const read = Object.entries(shape).map(([key, field]) => ({ key, ...readField(field, env[field.name]) }))
  const config = Object.freeze(Object.fromEntries(read.map(({ key, value }) => [key, value]))) as ConfigOf<S>
  const problems = [
    ...read.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
    ...unknownVariables(shape, env),
    ...rules(config, (name) => (env[name] ?? '') !== ''),
  ]
  if (problems.length > 0) {
    throw new EventingError(
      { code: 'CONFIG_INVALID', problems },
      `the configuration is invalid: ${problems.join('; ')}`,
    )
  }
  return config
}

/** Rows for a table of the variables, in the order of the shape. */
export function describeConfig(shape: Shape): { name: string; default: string; meaning: string }[] {
  return Object.values(shape).map((field) => ({
    name: field.name,
    default: field.fallbackText ?? (field.isRequired ? 'required' : 'unset'),
    meaning: field.meaning,
  }))
}

function readField(field: Field<unknown>, text: string | undefined): { value?: unknown; problem?: string } {
  if (text === undefined || text === '') {
    return field.isRequired ? { problem: `${field.name}: is required (${field.meaning})` } : { value: field.fallback }
  }
  const parsed = field.parse(text)
  if ('value' in parsed) return { value: parsed.value }
  return { problem: `${field.name}: ${field.isSecret ? 'the value' : quoted(text)} ${parsed.problem}${hint(text)}` }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)
}

function hint(text: string): string {
  return /^(tcp|udp|sctp):\/\//.test(text)
    ? ' (it looks like a Kubernetes service link: set enableServiceLinks: false on the pod)'
    : ''
}

function unknownVariables(shape: Shape, env: Env): string[] {
  const known = Object.values(shape).map((field) => field.name)
  return Object.entries(env)
    .filter(([name, value]) => name.startsWith(OWN_PREFIX) && value && !known.includes(name))
    .filter(([name, value]) => !SERVICE_LINK.test(name) && hint(value ?? '') === '')
    .map(([name]) => {
      const like = nearest(name, known)
      return `${name}: is not a variable of this service${like === undefined ? '' : `; the nearest is ${like}`}`
    })
}
