import { type ConfigOf, type Env, readConfig, type Shape } from '@sluice/config'
import { help, refuseArguments, wantsHelp } from './command-line.ts'
import { startupFailure } from './startup-failure.ts'

export interface Task<S extends Shape> {
  /** In messages: `setup`. */
  readonly name: string
  readonly config: S
  /** Resolves with the lines to print. */
  readonly run: (config: ConfigOf<S>) => Promise<readonly string[]>
}

/** Runs what ends by itself: variables, `--help` and exit codes are those of a service. */
export async function runTask<S extends Shape>({ name, config, run }: Task<S>, env: Env = process.env): Promise<void> {
  const args = process.argv.slice(2)
  if (wantsHelp(args)) return void process.stdout.write(help(name, config))
  try {
    refuseArguments(args)
    for (const line of await run(readConfig(config, env))) process.stdout.write(`${line}\n`)
  } catch (error) {
    const { exitCode, text } = startupFailure(name, error)
    process.stderr.write(text)
    process.exitCode = exitCode
  }
}
