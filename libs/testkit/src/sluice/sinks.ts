import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import { type Sink, type SinkAnswer, type SinkOptions, startSink } from '../sink.ts'
import type { Script } from './options.ts'

const DEFAULT_NAMESPACE = 'default'

/** `namespace/name` of `name`. */
export function fullName(name: string): string {
  return name.includes('/') ? name : `${DEFAULT_NAMESPACE}/${name}`
}

/** Sinks by their full names, owned by `stack`. */
export async function startSinks(
  scripts: Readonly<Record<string, Script>>,
  { clock, stack }: { readonly clock: Clock; readonly stack: AsyncDisposableStack },
): Promise<ReadonlyMap<string, Sink>> {
  const started = Object.entries(scripts).map(async ([name, script]) => {
    const sink = stack.use(await startSink({ clock, respond: respondBy(script) }))
    return [fullName(name), sink] as const
  })
  return new Map(await Promise.all(started))
}

export function sinkOf(sinks: ReadonlyMap<string, Sink>, name: string): Sink {
  const sink = sinks.get(fullName(name))
  if (sink !== undefined) return sink
  const problem = `there is no sink ${fullName(name)}: name it in the option sinks`
  throw new EventingError({ code: 'CONFIG_INVALID', problems: [problem] }, problem)
}

function respondBy(script: Script): NonNullable<SinkOptions['respond']> {
  if (typeof script === 'function') return script
  const answers: readonly SinkAnswer[] = isList(script) ? script : [script]
  return (_, n) => answers[Math.min(n, answers.length) - 1] ?? 204
}

function isList(script: SinkAnswer | readonly SinkAnswer[]): script is readonly SinkAnswer[] {
  return Array.isArray(script)
}
