import { type Clock, sleep } from '@sluice/clock'
import { isFailure } from '@sluice/errors'
import { requestsOver, type Transport } from '@sluice/kubernetes'
import { type Lease, leaseOf, takenOver } from './lease.ts'

/** Source: client-go, leaderelection, the defaults of Kubernetes' own controllers. */
const LEASE_MS = 15_000
const RENEW_DEADLINE_MS = 10_000
const RETRY_MS = 2_000

export interface LeaderElectionDeps {
  readonly transport: Transport
  readonly clock: Clock
  /** Of the Lease. */
  readonly namespace: string
  readonly name: string
  /** Of this process, never used by another, not even after a restart. */
  readonly identity: string
  /** Starts what only a leader may run. `term` rises with each leader for as long as the Lease is not deleted. */
  lead(term: number): Promise<AsyncDisposable>
  /** What was started did not end before a successor may begin: the process has to end now. */
  overdue(): void
  /** The Lease could not be had or renewed, `lead` rejected, or what it started did not end well; it is tried again. */
  failed(error: unknown): void
}

export interface LeaderElection extends AsyncDisposable {
  /** Who held the Lease when it was seen last; undefined: nobody, or it was not seen yet. */
  holder(): string | undefined
}

/**
 * At most one of all that share a Lease leads:
 *
 *   candidate ── nobody renewed for 15 s, or it was given up ─► leader ── 10 s without renewing, or another holds it
 *       ▲                                                          │
 *       └────────────── what was started has ended ────────────────┘
 *
 * Disposing ends what was started, then gives the Lease up, so that a successor begins at once.
 */
export function startLeaderElection(deps: LeaderElectionDeps): LeaderElection {
  const { clock, identity, namespace, name } = deps
  const requests = requestsOver(deps.transport, clock)
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`
  const stop = new AbortController()
  let seen: { readonly lease: Lease | undefined; readonly at: number } | undefined
  let problem: string | undefined

  /** Answers within 5 s, so that there is time for another try. */
  async function ask(method: string, path: string, body?: unknown): Promise<Lease> {
    const late = new AbortController()
    using _ = clock.after(RENEW_DEADLINE_MS / 2, () => late.abort(new Error('the Lease was not answered in time')))
    return leaseOf(await requests.ask(method, path, body, late.signal))
  }

  async function read(): Promise<Lease | undefined> {
    try {
      return await ask('GET', `${leases}/${name}`)
    } catch (error) {
      if (isFailure(error, 'RESOURCE_REFUSED') && error.detail.reason === 'NotFound') return undefined
      throw error
    }
  }

  /** The Lease as it is held now, or undefined: it could not be had. */
  async function hold(): Promise<Lease | undefined> {
    const lease = await read()
    if (seen === undefined || seen.lease?.version !== lease?.version) seen = { lease, at: clock.monotonic() }
    // clocks of others are not trusted: it is over once it has not changed for its time on the clock here
    const isFree = lease === undefined || lease.holder === '' || clock.monotonic() - seen.at >= lease.durationMs
    if (lease?.holder !== identity && !isFree) return undefined
    const body = takenOver(lease, { namespace, name, identity, durationMs: LEASE_MS, now: clock.now() })
    const held = lease === undefined ? await ask('POST', leases, body) : await ask('PUT', `${leases}/${name}`, body)
    seen = { lease: held, at: clock.monotonic() }
    return held
  }

  async function tryHold(): Promise<Lease | 'lost' | undefined> {
    try {
      const held = await hold()
      problem = undefined
      return held ?? 'lost'
    } catch (error) {
      tell(error)
      return undefined
    }
  }

  /** Each problem once for as long as it stays. Another that was faster is none. */
  function tell(error: unknown): void {
    const reason = isFailure(error, 'RESOURCE_REFUSED') ? error.detail.reason : String(error)
    if (reason === 'Conflict' || reason === 'AlreadyExists' || reason === problem) return
    problem = reason
    deps.failed(error)
  }

  /** Resolves once the Lease is lost, to when it was renewed last, or once `ended` aborts. */
  async function renew(since: number, ended: AbortSignal): Promise<number> {
    let renewedAt = since
    while (!ended.aborted) {
      await sleep(clock, RETRY_MS, ended)
      if (ended.aborted) break
      const askedAt = clock.monotonic()
      using late = new DisposableStack()
      const deadline = new Promise<undefined>((resolve) => {
        late.use(clock.after(renewedAt + RENEW_DEADLINE_MS - askedAt, () => resolve(undefined)))
      })
      const held = await Promise.race([tryHold(), deadline])
      if (held === 'lost') break
      if (held !== undefined) renewedAt = askedAt
      else if (clock.monotonic() - renewedAt >= RENEW_DEADLINE_MS) break
    }
    return renewedAt
  }

  async function leadWith(lease: Lease, heldSince: number): Promise<void> {
    const ended = new AbortController()
    const signal = AbortSignal.any([stop.signal, ended.signal])
    const leading = deps.lead(lease.transitions)
    leading.catch(() => ended.abort())
    const renewedAt = await renew(heldSince, signal)
    using _ = clock.after(renewedAt + LEASE_MS - clock.monotonic(), () => deps.overdue())
    try {
      await (await leading)[Symbol.asyncDispose]()
    } catch (error) {
      deps.failed(error)
    }
    if (signal.aborted) await giveUp()
  }

  async function giveUp(): Promise<void> {
    try {
      const lease = await read()
      if (lease?.holder !== identity) return
      const body = takenOver(lease, { namespace, name, identity: '', durationMs: 1_000, now: clock.now() })
      await ask('PUT', `${leases}/${name}`, body)
    } catch {
      // a successor begins once it has run out
    }
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      const askedAt = clock.monotonic()
      const held = await tryHold()
      if (held !== undefined && held !== 'lost') {
        if (stop.signal.aborted) await giveUp()
        else await leadWith(held, askedAt)
      }
      await sleep(clock, RETRY_MS, stop.signal)
    }
  }

  const running = run()
  return {
    holder: () => seen?.lease?.holder || undefined,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}
