import type { GitHubSourceRow } from '@sluice/contract'
import { failureOf } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'

type Named = Pick<GitHubSourceRow, 'namespace' | 'name'>

/** What became of a request: an event that is stored, one that nobody asked for, or the code of a refusal. */
export type Outcome = 'stored' | 'ignored' | ReturnType<typeof failureOf>['code']

/** Everything that can happen to GitHub's requests and to the hooks, logged and counted. Never a body or a secret. */
export type GitHubEvents = ReturnType<typeof gitHubEvents>

export function gitHubEvents(telemetry: Pick<Telemetry, 'counter' | 'log'>) {
  const { log } = telemetry
  const requests = telemetry.counter('source_github_requests_total', {
    description: 'Requests of webhooks that were answered, by source and outcome',
  })
  const calls = telemetry.counter('source_github_hook_changes_total', {
    description: 'Changes of webhooks at GitHub, by source and kind of change',
  })
  const labels = ({ namespace, name }: Named) => ({ namespace, name })
  return {
    /** `row` undefined: of no source of ours. */
    answered(row: Named | undefined, outcome: Outcome) {
      requests.add(1, { ...labels(row ?? { namespace: '', name: '' }), outcome })
    },
    refused(
      row: Named,
      fields: { readonly delivery: string | undefined; readonly event: string | undefined },
      error: unknown,
    ) {
      const { code } = failureOf(error)
      // anybody can send what is not signed: it is counted, and fills no log
      const level = code === 'DELIVERY_REPLAYED' || code === 'EVENT_INVALID' ? 'warn' : 'debug'
      log[level]({ ...labels(row), ...fields, code, error }, 'request of a webhook is refused')
    },
    failed(error: unknown) {
      log.error({ error }, 'request of a webhook failed inside')
    },
    rememberedAlone(row: Named, error: unknown) {
      log.warn(
        { ...labels(row), code: failureOf(error).code },
        'bodies that come again are known to this replica alone: the control plane does not answer',
      )
    },
    hookChanged(row: Named, change: 'created' | 'updated' | 'removed', hook: string) {
      calls.add(1, { ...labels(row), change })
      log.info({ ...labels(row), change, hook }, 'webhook at GitHub was changed')
    },
    hookLeft(row: Named, fields: { readonly hook: string; readonly place: string }, error: unknown) {
      log.error({ ...labels(row), ...fields, error }, 'former webhook could not be removed: remove it at GitHub')
    },
    hookFailed(row: Named, delayMs: number, error: unknown) {
      log.warn({ ...labels(row), delayMs, error }, 'webhook at GitHub could not be looked after, tried again')
    },
  }
}
