import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import type { Registry } from '@sluice/resource-api'
import {
  type FolderFiles,
  formatProblem,
  joinFiles,
  type Manifests,
  manifestParser,
  readFolder,
} from '@sluice/resources/manifests'
import type { Telemetry } from '@sluice/telemetry'
import { applyManifests } from './apply-manifests.ts'
import { manifestsEvents } from './events.ts'
import { watchFolder } from './folder-watch.ts'

/** A change counts once the folder held still this long; one that removes objects or breaks them, longer. */
const SETTLED_MS = 50
const SETTLED_TO_REMOVE_MS = 300
const RETRY_MS = 2000

export interface ManifestsFolderDeps {
  readonly folder: string
  readonly registry: Registry
  readonly clock: Clock
  readonly telemetry: Telemetry
}

export interface ManifestsFolder extends AsyncDisposable {
  /** `file:line:col: path: problem`, every one; empty when the folder's state is in the API. */
  problems(): readonly string[]
  /** Calls back after each state of the folder was applied or refused. */
  changed(listener: () => void): Disposable
}

/**
 * Keeps the API what the folder says, at start and after each change. Rejects with MANIFESTS_INVALID when it is invalid
 * at start, with nothing changed; later an invalid state is logged once and the last good one stays. What others change
 * in between stays until the next change of the folder, or the next start.
 */
export async function startManifestsFolder(deps: ManifestsFolderDeps): Promise<ManifestsFolder> {
  const { folder, registry, clock, telemetry } = deps
  const parse = manifestParser(registry.table)
  let problems: readonly string[] = []
  const events = manifestsEvents(telemetry, () => problems.length)
  await using starting = new AsyncDisposableStack()
  starting.use(events)
  let files: FolderFiles = await readFolder(folder, parse, new Map(), clock.now())
  let inForce = together(files)
  let seen = signatureOf(files)
  let change: { signature: string; at: number } | undefined
  const listeners = new Set<() => void>()

  /** Answers what is wrong with them; then they are not in force. */
  async function apply(next: Manifests): Promise<readonly string[]> {
    if (next.problems.length > 0) return next.problems.map(formatProblem)
    const { problems, written, pruned, kept } = await applyManifests(registry, next.objects)
    if (problems.length > 0) return problems.map(formatProblem)
    inForce = next
    events.applied({ folder, objects: next.objects.length, written, pruned })
    if (kept.length > 0) events.kept({ folder, kept })
    return []
  }

  const removes = (next: Manifests) => {
    const names = new Set(next.objects.map(({ label }) => label))
    return inForce.objects.some(({ label }) => !names.has(label))
  }

  /** Answers in how many ms to look again, if sooner than usual. */
  async function look(): Promise<number | undefined> {
    files = await readFolder(folder, parse, files, clock.now())
    const signature = signatureOf(files)
    if (signature === seen) {
      change = undefined
      return undefined
    }
    if (change?.signature !== signature) {
      change = { signature, at: clock.monotonic() }
      return SETTLED_MS
    }
    const next = together(files)
    const neededMs = next.problems.length > 0 || removes(next) ? SETTLED_TO_REMOVE_MS : SETTLED_MS
    const restMs = change.at + neededMs - clock.monotonic()
    return restMs > 0 ? restMs : accept(next, signature)
  }

  async function accept(next: Manifests, signature: string): Promise<number | undefined> {
    try {
      problems = await apply(next)
    } catch (error) {
      events.failed({ folder }, error)
      return RETRY_MS
    }
    if (problems.length > 0) events.refused({ folder, problems })
    seen = signature
    change = undefined
    for (const listener of [...listeners]) listener()
    return undefined
  }

  problems = await apply(inForce)
  if (problems.length > 0)
    throw new EventingError({ code: 'MANIFESTS_INVALID', problems }, `manifests invalid:\n${problems.join('\n')}`)
  const onFailure = (reason: string) => events.watchFailed({ folder, reason })
  starting.use(watchFolder({ folder, clock, look, onFailure }))
  const started = starting.move()
  return {
    problems: () => problems,
    changed(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

function together(files: FolderFiles): Manifests {
  return joinFiles([...files.values()].map((file) => file.parsed))
}

function signatureOf(files: FolderFiles): string {
  return [...files].map(([file, { digest }]) => `${file}\n${digest}`).join('\n')
}
