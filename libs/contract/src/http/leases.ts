import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import { interestOf } from '../interest.ts'
import type { Lacking } from '../watchers.ts'
import { type Acknowledgement, type Hello, invalid, type Role, type RoutingRole } from './protocol.ts'

/** A process that follows the contract, as far as the server has heard. */
export interface Replica {
  readonly roles: readonly Role[]
  readonly replica: string
  readonly instance: string
  /** Undefined before the first. */
  readonly acknowledged: number | undefined
}

interface Lease extends Replica {
  acknowledged: number | undefined
  /** The newest revision it was sent: more it can't have. */
  sent: number
  timer: Disposable
  /** Ends the watch that belongs to it. */
  cut: () => void
}

export interface Leases extends Disposable {
  /** A new lease, or the instance's own, renewed; an earlier watch of it is cut. Throws CONTRACT_REPLICAS_FULL. */
  open(hello: Hello, cut: () => void): { sent(revision: number): void }
  /** Throws CONTRACT_LEASE_UNKNOWN, or CONTRACT_REQUEST_INVALID for a revision it can't have. */
  renew(acknowledgement: Acknowledgement, epoch: number): void
  /** Throws CONTRACT_LEASE_UNKNOWN. */
  check(instance: string): void
  /**
   * A live replica of each expected role, and every live one that is no source, has acknowledged this revision or a later one. False
   * for the first lease term: somebody may follow an older revision and be on its way back.
   */
  acknowledged(revision: number): boolean
  /** Who has not, and expected roles that nobody is there for; for the first lease term every role. */
  lacking(revision: number): readonly Lacking[]
  live(): readonly Replica[]
  /** Calls back whenever an answer above may have changed. */
  changed(listener: () => void): Disposable
}

export interface LeasesDeps {
  readonly clock: Clock
  readonly leaseMs: number
  readonly settleMs: number
  readonly maxReplicas: number
  readonly expected: readonly RoutingRole[]
  readonly onExpired: (replica: Replica) => void
  /** Its lease is over, for whatever reason. */
  readonly onEnded?: (replica: Replica, reason: 'left' | 'expired') => void
  /** It acknowledged more than before. */
  readonly onAcknowledged?: (replica: Replica) => void
}

const NO_TIMER: Disposable = { [Symbol.dispose]() {} }

/**
 *   hello ──► live ── 10 s without a word ──► expired, its watch is cut
 *              ▲ │ └── leaving ────────────► gone
 *              └─┘ acknowledge, hello again
 */
export function createLeases(deps: LeasesDeps): Leases {
  const { clock, leaseMs, maxReplicas, expected, onExpired } = deps
  const leases = new Map<string, Lease>()
  const listeners = new Set<() => void>()
  let isSettling = true
  const tell = () => {
    for (const listener of [...listeners]) listener()
  }
  const settling = clock.after(deps.settleMs, () => {
    isSettling = false
    tell()
  })

  const routing = () => [...leases.values()].filter(({ roles: [role = ''] }) => interestOf(role) === 'routing')

  function end(lease: Lease, reason: 'left' | 'expired'): void {
    lease.timer[Symbol.dispose]()
    leases.delete(lease.instance)
    lease.cut()
    deps.onEnded?.(lease, reason)
    tell()
  }
  function leaseOf(instance: string): Lease {
    const lease = leases.get(instance)
    if (lease !== undefined) return lease
    const message = 'there is no such lease: it has ended, or the server was restarted'
    throw new EventingError({ code: 'CONTRACT_LEASE_UNKNOWN', instance }, message)
  }
  function arm(lease: Lease): void {
    lease.timer[Symbol.dispose]()
    lease.timer = clock.after(leaseMs, () => {
      onExpired(lease)
      end(lease, 'expired')
    })
  }

  return {
    open({ roles, replica, instance, revision }, cut) {
      const former = leases.get(instance)
      if (former === undefined && leases.size >= maxReplicas) {
        const message = `${maxReplicas} replicas follow the contract already`
        throw new EventingError({ code: 'CONTRACT_REPLICAS_FULL', maxReplicas }, message)
      }
      former?.timer[Symbol.dispose]()
      former?.cut()
      const { acknowledged } = former ?? {}
      const lease: Lease = { roles, replica, instance, acknowledged, sent: revision, timer: NO_TIMER, cut }
      leases.set(instance, lease)
      arm(lease)
      tell()
      return {
        sent(revision) {
          lease.sent = Math.max(lease.sent, revision)
        },
      }
    },
    renew({ instance, epoch: ofEpoch, revision, leaving }, epoch) {
      const lease = leaseOf(instance)
      if (leaving === true) return end(lease, 'left')
      arm(lease)
      if (revision === undefined || ofEpoch !== epoch) return
      if (revision > lease.sent) throw invalid([`revision: ${revision} was not sent yet, the last is ${lease.sent}`])
      lease.acknowledged = Math.max(lease.acknowledged ?? -1, revision)
      deps.onAcknowledged?.(lease)
      tell()
    },
    check: (instance) => void leaseOf(instance),
    acknowledged(revision) {
      const live = routing()
      return (
        !isSettling &&
        expected.every((role) => live.some(({ roles }) => roles.includes(role))) &&
        live.every(({ acknowledged = -1 }) => acknowledged >= revision)
      )
    },
    lacking(revision) {
      const live = routing()
      const behind = live.filter(({ acknowledged = -1 }) => acknowledged < revision)
      const isUnknown = (role: Role) => isSettling || !live.some(({ roles }) => roles.includes(role))
      return [
        ...expected.filter(isUnknown).map((role) => ({ role })),
        ...behind.flatMap(({ roles, replica }) => roles.map((role) => ({ role, replica }))),
      ]
    },
    live: () =>
      [...leases.values()].map(({ roles, replica, instance, acknowledged }) => ({
        roles,
        replica,
        instance,
        acknowledged,
      })),
    changed(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    [Symbol.dispose]() {
      settling[Symbol.dispose]()
      for (const lease of [...leases.values()]) {
        lease.timer[Symbol.dispose]()
        lease.cut()
      }
      leases.clear()
    },
  }
}
