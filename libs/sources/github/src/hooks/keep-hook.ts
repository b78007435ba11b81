import { sleep } from '@sluice/clock'
import type { GitHubSourceRow } from '@sluice/contract'
import { isFailure } from '@sluice/errors'
import type { HoldingSource } from '@sluice/source-runtime'
import type { GitHubEvents } from '../events.ts'
import { hookProblem } from './hook-problem.ts'
import { type Hook, type HooksApi, type OpenHooksApi, pathOf, type WantedHook } from './hooks-api.ts'

export const WEBHOOK_CONFIGURED = 'WebhookConfigured'
const SECRETS_PROVIDED = 'SecretsProvided'
/** How often it is looked at: somebody may have changed or deleted it. */
export const LOOK_MS = 10 * 60_000
const FIRST_RETRY_MS = 2_000
const LONGEST_RETRY_MS = 10 * 60_000
const JITTER = 0.2
const STATE = 'hook'

export interface KeepHookDeps {
  readonly source: HoldingSource<GitHubSourceRow>
  readonly open: OpenHooksApi
  readonly events: GitHubEvents
  readonly random: () => number
}

/** Which hook is ours, and where. */
interface Ours extends Pick<GitHubSourceRow, 'apiUrl' | 'ownerAndRepository' | 'scope'> {
  readonly id: string
}

/**
 * Makes the hook, finds it again by id or URL, mends it while the source is there, and removes it when the source goes.
 * Never throws: what stands in the way is a condition, and tried again.
 */
export function keepHook({ source, open, events, random }: KeepHookDeps): AsyncDisposable {
  const { row, clock, status } = source
  const stop = new AbortController()
  const signal = AbortSignal.any([source.signal, stop.signal])
  const what = row.scope === 'enterprise' ? row.apiUrl : row.ownerAndRepository
  let sent: string | undefined
  let isDone = false

  async function look(): Promise<void> {
    const api = await open(row, await accessToken())
    if (row.ending === true) {
      await remove(api)
      isDone = true
      return
    }
    if (row.publicUrl === undefined) return
    const secret = await source.secret('secretToken')
    const wanted = { url: row.publicUrl, events: row.eventTypes, secret }
    const id = await upsert(api, wanted)
    sent = secret
    status.fact('webhookIDKey', id)
    status.condition(WEBHOOK_CONFIGURED, { status: 'True' })
  }

  async function accessToken(): Promise<string> {
    try {
      const token = await source.secret('accessToken')
      status.condition(SECRETS_PROVIDED, { status: 'True' })
      return token
    } catch (error) {
      if (isFailure(error, 'SOURCE_SECRET_MISSING')) {
        const { message } = error
        status.condition(SECRETS_PROVIDED, { status: 'False', reason: 'AccessTokenNotFound', message })
      }
      throw error
    }
  }

  async function upsert(api: HooksApi, wanted: WantedHook): Promise<string> {
    const kept = await read()
    const ours = kept && placeOf(kept) === placeOf(row) ? kept : undefined
    const hooks = await api.list(signal)
    const hook = find(hooks, ours, wanted.url)
    if (hook === undefined) {
      if (kept !== undefined && ours === undefined) await removeFormer(kept)
      const id = await api.create(wanted, signal)
      await write(id)
      events.hookChanged(row, 'created', id)
      return id
    }
    if (hook.id !== ours?.id) await write(hook.id)
    if (sent !== wanted.secret || !hook.isAs(wanted)) {
      await api.update(hook.id, wanted, signal)
      events.hookChanged(row, 'updated', hook.id)
    }
    return hook.id
  }

  async function remove(api: HooksApi): Promise<void> {
    const kept = await read()
    if (kept !== undefined && placeOf(kept) !== placeOf(row)) await removeFormer(kept)
    const hook = find(await api.list(signal), kept, row.publicUrl)
    if (hook !== undefined && (await api.remove(hook.id, signal))) events.hookChanged(row, 'removed', hook.id)
    await source.state.put({ [STATE]: undefined })
    status.fact('webhookRemoved', 'true')
  }

  /** The source was of another place: its hook there would go on sending. Where it can't be removed that is said, and left. */
  async function removeFormer({ id, ...place }: Ours): Promise<void> {
    try {
      const { scope: _, ...here } = row
      const api = await open({ ...here, ...place }, await accessToken())
      if (await api.remove(id, signal)) events.hookChanged(row, 'removed', id)
    } catch (error) {
      if (signal.aborted) throw error
      events.hookLeft(row, { hook: id, place: place.ownerAndRepository }, error)
    }
  }

  function find(hooks: readonly Hook[], ours: Ours | undefined, url: string | undefined): Hook | undefined {
    return hooks.find(({ id }) => id === ours?.id) ?? hooks.find((hook) => url !== undefined && hook.url === url)
  }

  async function read(): Promise<Ours | undefined> {
    const kept = await source.state.get(STATE)
    return kept === undefined ? undefined : (JSON.parse(kept) as Ours)
  }
  const { apiUrl, ownerAndRepository, scope } = row
  const write = (id: string) => source.state.put({ [STATE]: JSON.stringify({ apiUrl, ownerAndRepository, scope, id }) })

  async function keep(): Promise<void> {
    if (row.publicUrl === undefined && row.ending !== true) {
      const message =
        'nobody said how GitHub reaches this installation: set RECEIVERS_URL, or sluice.dev/webhook: manual'
      status.condition(WEBHOOK_CONFIGURED, { status: 'False', reason: 'NoPublicUrl', message })
    }
    for (let failures = 0; !signal.aborted && !isDone; ) {
      let delayMs = LOOK_MS
      try {
        await look()
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        const { waitMs, ...problem } = hookProblem(error, what, clock.now())
        delayMs = Math.max(waitMs, Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS))
        failures += 1
        events.hookFailed(row, delayMs, error)
        status.condition(WEBHOOK_CONFIGURED, { status: 'False', ...problem })
      }
      if (!isDone) await sleep(clock, delayMs * (1 + JITTER * random()), signal)
    }
  }

  const keeping = keep()
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await keeping
    },
  }
}

function placeOf(of: Omit<Ours, 'id'>): string {
  return `${of.apiUrl}${pathOf(of)}`
}
