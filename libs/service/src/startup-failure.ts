import { type Failure, type FailureCode, failureOf } from '@sluice/errors'

/** sysexits.h EX_CONFIG: starting again changes nothing until somebody edits something. */
const EXIT_CONFIG = 78
const EXIT_FAILURE = 1
const CONFIG_FAILURES: ReadonlySet<FailureCode> = new Set([
  'CONFIG_INVALID',
  'MANIFESTS_INVALID',
  'DRIVER_SERVES_ONE_PROCESS',
])

export interface StartupFailure {
  readonly exitCode: number
  /** Lines for stderr; a stack only for what is not ours. */
  readonly text: string
}

/** What to say and how to exit when a service can't start. */
export function startupFailure(service: string, error: unknown): StartupFailure {
  const failure = failureOf(error)
  const exitCode = CONFIG_FAILURES.has(failure.code) ? EXIT_CONFIG : EXIT_FAILURE
  return { exitCode, text: `${[headline(service, error, failure), ...problemsOf(failure)].join('\n')}\n` }
}

function headline(service: string, error: unknown, failure: Failure): string {
  if ('problems' in failure) {
    const count = failure.problems.length === 1 ? 'a problem' : `${failure.problems.length} problems`
    const subject = failure.code === 'MANIFESTS_INVALID' ? 'the manifests have' : 'the configuration has'
    return `${service} can't start: ${subject} ${count} (${failure.code})`
  }
  const { message, stack } = (error ?? {}) as { message?: string; stack?: string }
  if (failure.code === 'INTERNAL') return `${service} can't start: ${stack ?? message ?? String(error)}`
  return `${service} can't start: ${message} (${failure.code})`
}

function problemsOf(failure: Failure): string[] {
  return 'problems' in failure ? failure.problems.map((problem) => `  ${problem}`) : []
}
