import { parseArgs } from 'node:util'
import { EventingError } from '@sluice/errors'

export interface Flags {
  readonly repeats: number
  readonly warmupMs: number
  readonly measureMs: number
  /** Names of cases; empty: all of them. */
  readonly only: readonly string[]
  /** Print the whole result as JSON instead of the tables. */
  readonly json: boolean
  readonly quick: boolean
  /** Record where the CPU time of each process under test goes. Its figures are then not comparable. */
  readonly profile: boolean
}

/** `--quick` one short repeat without the long memory cases, `--only a,b`, `--json`, `--profile`. Anything else is CONFIG_INVALID. */
export function readFlags(args: readonly string[], names: readonly string[]): Flags {
  const refuse = (problem: string) => new EventingError({ code: 'CONFIG_INVALID', problems: [problem] }, problem)
  const options = {
    quick: { type: 'boolean' },
    only: { type: 'string' },
    json: { type: 'boolean' },
    profile: { type: 'boolean' },
  } as const
  let values: { quick?: boolean; only?: string; json?: boolean; profile?: boolean }
  try {
    values = parseArgs({ args: [...args], options, strict: true }).values
  } catch (error) {
    throw refuse((error as Error).message)
  }
  const only = values.only?.split(',').map((name) => name.trim()) ?? []
  const unknown = only.filter((name) => !names.includes(name))
  if (unknown.length > 0) throw refuse(`--only: unknown ${unknown.join(', ')}; there are ${names.join(', ')}`)
  const quick = values.quick === true
  return {
    repeats: quick ? 1 : 3,
    warmupMs: quick ? 1_000 : 2_000,
    measureMs: quick ? 1_500 : 4_000,
    only,
    json: values.json === true,
    quick,
    profile: values.profile === true,
  }
}
