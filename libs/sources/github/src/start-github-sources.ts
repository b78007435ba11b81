import type { Clock } from '@sluice/clock'
import type { GitHubSourceRow, SourceDesk } from '@sluice/contract'
import { type FollowingSource, type RunSourcesDeps, runSources } from '@sluice/source-runtime'
import type { Telemetry } from '@sluice/telemetry'
import { gitHubEvents } from './events.ts'
import { type OpenHooksApi, openHooksApi } from './hooks/hooks-api.ts'
import { keepHook, WEBHOOK_CONFIGURED } from './hooks/keep-hook.ts'
import { createKnownBodies } from './known-bodies.ts'
import type { ReceivingSource } from './receive.ts'
import { createReceiver, type Receiver } from './receiver.ts'
import { createSecrets } from './secrets.ts'

export interface GitHubSourcesOptions {
  readonly desk: SourceDesk<GitHubSourceRow>
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Largest body; as the ingress, which takes no larger event. */
  readonly maxBodyBytes: number
  /** Who posts; default one of its own. */
  readonly sender?: NonNullable<RunSourcesDeps<GitHubSourceRow>['sender']>
  readonly openHooksApi?: OpenHooksApi
  /** For jitter, in [0, 1). */
  readonly random?: () => number
}

export interface GitHubSources extends AsyncDisposable {
  readonly receiver: Pick<Receiver, 'handle' | 'listen'>
  /** Rows that could not be started, and why. */
  warning(): string | undefined
  /** Answers what came, and gives the rows back. */
  drain(): Promise<void>
}

/** Receives the webhooks of every GitHubSource, in every replica; one replica looks after each source's hook. */
export async function startGitHubSources(options: GitHubSourcesOptions): Promise<GitHubSources> {
  const { clock, telemetry, maxBodyBytes, random = Math.random } = options
  const events = gitHubEvents(telemetry)
  const sources = new Map<string, ReceivingSource>()
  const secrets = createSecrets(clock)

  const follow = async (source: FollowingSource<GitHubSourceRow>): Promise<AsyncDisposable> => {
    const { row, signal, outlet, remember } = source
    const leave = () => {
      if (sources.get(row.path)?.row === row) sources.delete(row.path)
    }
    // also where the secret can't be had yet: such a request is told so. A start that is tried again finds it there
    if (sources.get(row.path)?.row !== row) {
      const known = createKnownBodies({ clock, remember, onAlone: (error) => events.rememberedAlone(row, error) })
      sources.set(row.path, { row, signal, outlet, known, secrets: () => secrets.of(row.uid) })
      signal.addEventListener('abort', leave, { once: true })
    }
    secrets.set(row.uid, await source.secret('secretToken'))
    return { [Symbol.asyncDispose]: async () => leave() }
  }

  const receiver = await createReceiver({ clock, events, maxBodyBytes, sources })
  const running = runSources<GitHubSourceRow>({
    ...options,
    random,
    follow,
    async hold(source) {
      if (source.row.ending !== true) await source.secret('secretToken')
      if (source.row.webhook === 'managed')
        return keepHook({ source, open: options.openHooksApi ?? openHooksApi, events, random })
      source.status.condition(WEBHOOK_CONFIGURED, { status: 'True', reason: 'Manual' })
      return { async [Symbol.asyncDispose]() {} }
    },
  })
  return {
    receiver,
    warning: running.warning,
    async drain() {
      await receiver.drain()
      await running.drain()
    },
    async [Symbol.asyncDispose]() {
      await receiver[Symbol.asyncDispose]()
      await running[Symbol.asyncDispose]()
    },
  }
}
