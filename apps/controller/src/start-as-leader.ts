import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { ClusterTransport, Transport } from '@sluice/kubernetes'
import { startLeaderElection } from '@sluice/reconcile'
import type { Running, ServiceContext } from '@sluice/service'

export interface AsLeaderDeps {
  readonly context: Pick<ServiceContext, 'clock' | 'draining' | 'ready'> & {
    readonly telemetry: Pick<ServiceContext['telemetry'], 'log'>
  }
  /** Disposed with what is started. */
  readonly cluster: Omit<ClusterTransport, 'bearing'>
  /** Of the Lease. */
  readonly namespace: string
  start(transport: Transport): Promise<Running>
  /** Ends the process in order: what led has ended, and a process leads once. */
  end(): void
  /** Ends it at once: what led did not end before another may begin. */
  exit(): void
}

/**
 * Starts once this process leads, and until then is not ready, which names who leads. Who leads no more ends, as
 * Kubernetes' own controllers do: whoever supervises starts it anew, as a candidate with nothing left of before.
 */
export async function startAsLeader({ context, cluster, namespace, ...deps }: AsLeaderDeps): Promise<Running> {
  const { clock, draining, telemetry } = context
  const { log } = telemetry
  await using stack = new AsyncDisposableStack()
  stack.use(cluster)
  const started = Promise.withResolvers<Running>()
  started.promise.catch(() => undefined)
  let hasLed = false
  let isAsked = false
  const election = startLeaderElection({
    ...{ transport: cluster.transport, clock, namespace, name: 'sluice-controller' },
    identity: `${hostname()}_${randomUUID()}`,
    async lead(term) {
      hasLed = true
      log.info({ term }, 'leading')
      const running = deps.start(cluster.transport)
      running.then(started.resolve, started.reject)
      const leading = await running
      return {
        async [Symbol.asyncDispose]() {
          if (!isAsked && !draining.aborted) {
            log.error({ term }, 'leading no more, ending')
            void election[Symbol.asyncDispose]()
            deps.end()
          }
          await leading[Symbol.asyncDispose]()
        },
      }
    },
    overdue() {
      log.error({}, 'what led did not end before another may lead, exiting')
      deps.exit()
    },
    failed: (err) => log.warn({ err }, 'the Lease could not be had or renewed'),
  })
  stack.use(election)
  stack.use(context.ready('leader', () => (hasLed ? undefined : `${election.holder() ?? 'nobody'} leads`)))
  log.info({ server: cluster.server, namespace }, 'waiting to lead')
  const running = await Promise.race([started.promise, aborted(draining)])
  const all = stack.move()
  return {
    drain: async () => running?.drain?.(),
    [Symbol.asyncDispose]() {
      isAsked = true
      return all.disposeAsync()
    },
  }
}

export async function aborted(signal: AbortSignal): Promise<undefined> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
