import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const TOP = 25

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export interface Profiling {
  readonly nodeArgs: readonly string[]
  /** The newest profile, main thread or worker each, as text: shares of busy time by package and by function. */
  latest(): string
}

/**
 * Profiles go to a folder of their own under `resultsDir` and stay there for a closer look in the browser's tools. The
 * summary is of the last `lastMs`: starting and warming up is left out.
 */
export function profileInto(resultsDir: string, lastMs: number): Profiling {
  const folder = mkdtempSync(join(resultsDir, 'profiles-'))
  const seen = new Set<string>()
  return {
    nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${folder}`],
    latest() {
      const fresh = readdirSync(folder).filter((file) => !seen.has(file))
      for (const file of fresh) seen.add(file)
      return fresh.map((file) => summary(join(folder, file), lastMs)).join('\n')
    },
  }
}

function summary(file: string, lastMs: number): string {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const byFunction = new Map<string, number>()
  const byPackage = new Map<string, number>()
  let busy = 0
  let left = timeDeltas.reduce((sum, us) => sum + us, 0)
  for (const [at, id] of samples.entries()) {
    const frame = frames.get(id)
    const us = timeDeltas[at] ?? 0
    left -= us
    if (left > lastMs * 1e3 || frame === undefined || frame.functionName === '(idle)') continue
    busy += us
    const place = placeOf(frame.url)
    const name = `${frame.functionName || '(anonymous)'} ${place}:${frame.lineNumber + 1}`
    byFunction.set(name, (byFunction.get(name) ?? 0) + us)
    const owner = /^(node:\w+|libs\/(?:channels\/)?[\w-]+|undici|[\w@-]+)/.exec(place)?.[1] ?? 'native and GC'
    byPackage.set(owner, (byPackage.get(owner) ?? 0) + us)
  }
  const table = (shares: Map<string, number>) =>
    [...shares]
      .sort(([, a], [, b]) => b - a)
      .slice(0, TOP)
      .map(([name, us]) => `  ${((us / busy) * 100).toFixed(1).padStart(5)} %  ${name}`)
      .join('\n')
  return `${file}: ${(busy / 1e6).toFixed(1)} s busy\n${table(byPackage)}\n\n${table(byFunction)}\n`
}

/** `libs/ingress/src/receive.ts`, `undici/lib/…`, `node:net`; '' for what has no source. */
function placeOf(url: string): string {
  const dependency = /.*\/node_modules\/(.*)$/.exec(url)?.[1]
  return dependency ?? /\/((?:libs|apps|tests)\/.*)$/.exec(url)?.[1] ?? url
}
