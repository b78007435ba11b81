import type { Clock } from '@sluice/clock'
import type { ContractStore, Copy } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import { type FolderFiles, formatProblem, joinManifests, type Manifests, readFolder } from '@sluice/resources'
import type { Telemetry } from '@sluice/telemetry'
import { failing, type ObjectStatus, withReady } from './conditions.ts'
import { reconcileEvents } from './events.ts'
import { watchFolder } from './manifests/folder-watch.ts'
import { type PublishManifestsDeps, publishManifests } from './publish-manifests.ts'
import type { StoredObject } from './uids.ts'

/** A change counts once the folder held still this long; one that removes objects or breaks them, longer. */
const SETTLED_MS = 50
const SETTLED_TO_REMOVE_MS = 300
const RETRY_MS = 2000

export interface FolderReconcilerDeps extends PublishManifestsDeps {
  readonly folder: string
  readonly store: Pick<ContractStore, 'contract' | 'publish' | 'acknowledged'>
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly uids?: Copy<readonly StoredObject[]>
}

/** What is in force, and what the folder says now. */
export interface ReconcileState {
  readonly revision: number
  /** `file:line:col: path: problem`, every one; empty when the folder's state is in force. */
  readonly problems: readonly string[]
  readonly statuses: readonly ObjectStatus[]
}

export interface FolderReconciler extends AsyncDisposable {
  state(): ReconcileState
  problems(): readonly string[]
  /** Every Broker and Trigger with its conditions, Ready first. */
  conditions(): readonly ObjectStatus[]
  /** Resolves the state for which `holds`, now or after one of the next changes; undefined when the signal aborts. */
  until(holds: (state: ReconcileState) => boolean, signal?: AbortSignal): Promise<ReconcileState | undefined>
  /** Resolves the manifests in force anew, for addresses that changed. */
  refresh(): Promise<void>
}

/**
 * Keeps the contract what the folder's manifests say. Rejects with MANIFESTS_INVALID when they are invalid at start;
 * later an invalid state is logged once and the last good one stays. An edit takes effect within a second.
 */
export async function startFolderReconciler(deps: FolderReconcilerDeps): Promise<FolderReconciler> {
  const { folder, store, clock } = deps
  let files: FolderFiles = await readFolder(folder, new Map(), clock.now())
  let manifests = joinManifests([...files.values()].map((file) => file.parsed))
  let problems = manifests.problems.map(formatProblem)
  if (problems.length > 0) {
    const text = `manifests invalid:\n${problems.join('\n')}`
    throw new EventingError({ code: 'MANIFESTS_INVALID', problems }, text)
  }
  let statuses: readonly ObjectStatus[] = []
  let seen = signatureOf(files)
  let change: { signature: string; at: number } | undefined
  const waiting = new Set<() => void>()
  const events = reconcileEvents(deps.telemetry, {
    problems: () => problems.length,
    notProgrammed: () => statuses.filter((status) => !status.isProgrammed).length,
  })
  const loaded = (await deps.uids?.load()) ?? {}
  if (loaded.setAside !== undefined) events.uidsSetAside(loaded.setAside)
  const publisher = publishManifests({ ...deps, ...(loaded.value && { stored: loaded.value }) })
  let last: Promise<unknown> = Promise.resolve()

  /** One at a time: `since` counts on the revision that follows. */
  function publish(next: Manifests): Promise<void> {
    const turn = last.then(() => publishNow(next))
    last = turn.catch(() => {})
    return turn
  }

  async function publishNow(next: Manifests): Promise<void> {
    const resolved = publisher.resolve(next.resources)
    const revision = await resolved.publish()
    for (const status of resolved.statuses) if (isNews(status, statuses)) events.notReady(status)
    manifests = next
    statuses = resolved.statuses
    events.published({ folder, revision, resources: next.resources.length })
  }

  const removes = (next: Manifests) => {
    const names = new Set(next.resources.map(nameOf))
    return manifests.resources.some((resource) => !names.has(nameOf(resource)))
  }

  /** Answers in how many ms to look again, if sooner than usual. */
  async function look(): Promise<number | undefined> {
    files = await readFolder(folder, files, clock.now())
    const signature = signatureOf(files)
    if (signature === seen) {
      change = undefined
      return undefined
    }
    if (change?.signature !== signature) {
      change = { signature, at: clock.monotonic() }
      return SETTLED_MS
    }
    const next = joinManifests([...files.values()].map((file) => file.parsed))
    const neededMs = next.problems.length > 0 || removes(next) ? SETTLED_TO_REMOVE_MS : SETTLED_MS
    const restMs = change.at + neededMs - clock.monotonic()
    if (restMs > 0) return restMs
    return accept(next, signature)
  }

  async function accept(next: Manifests, signature: string): Promise<number | undefined> {
    const found = next.problems.map(formatProblem)
    try {
      if (found.length === 0) await publish(next)
      else events.refused({ folder, problems: found })
    } catch (error) {
      events.failed({ folder }, error)
      return RETRY_MS
    }
    problems = found
    seen = signature
    change = undefined
    for (const check of [...waiting]) check()
    return undefined
  }

  const state = (): ReconcileState => ({ revision: store.contract().revision, problems, statuses: conditions() })
  const conditions = () => {
    const isAcknowledged = store.acknowledged(store.contract().revision)
    return statuses.map((status) => withReady(status, isAcknowledged))
  }

  await publish(manifests)
  const watching = watchFolder({
    folder,
    clock,
    look,
    onFailure: (reason) => events.watchFailed({ folder, reason }),
  })
  return {
    state,
    conditions,
    problems: () => problems,
    refresh: () => publish(manifests),
    until(holds, signal) {
      return new Promise((resolve) => {
        const end = (value: ReconcileState | undefined) => {
          waiting.delete(check)
          signal?.removeEventListener('abort', abort)
          resolve(value)
        }
        const check = () => {
          const now = state()
          if (holds(now)) end(now)
        }
        const abort = () => end(undefined)
        waiting.add(check)
        signal?.addEventListener('abort', abort, { once: true })
        if (signal?.aborted) abort()
        else check()
      })
    },
    async [Symbol.asyncDispose]() {
      await watching[Symbol.asyncDispose]()
      await last
      events[Symbol.dispose]()
    },
  }
}

function signatureOf(files: FolderFiles): string {
  return [...files].map(([file, { digest }]) => `${file}\n${digest}`).join('\n')
}

function nameOf({ kind, namespace, name }: { kind: string; namespace: string; name: string }): string {
  return `${kind} ${namespace}/${name}`
}

function isNews(status: ObjectStatus, before: readonly ObjectStatus[]): boolean {
  const reasons = failing(status)
  if (reasons.length === 0) return false
  const former = before.find((other) => other.kind === status.kind && other.uid === status.uid)
  return former === undefined || JSON.stringify(failing(former)) !== JSON.stringify(reasons)
}
