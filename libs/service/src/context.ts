import type { Clock } from '@sluice/clock'
import type { Env } from '@sluice/config'
import type { ServiceTelemetry } from '@sluice/telemetry'
import type { FastifyInstance } from 'fastify'
import type { Authorize } from './access.ts'
import type { ControlAccess } from './control-access.ts'
import type { DurableLevel, ReadyCheck } from './readiness.ts'

/** What a service is given to start with. */
export interface ServiceContext {
  readonly telemetry: ServiceTelemetry
  readonly clock: Clock
  readonly env: Env
  /** Aborts on the first SIGTERM or SIGINT: hand out nothing new. */
  readonly draining: AbortSignal
  /** Aborts when the time to drain is over: let go of what is in hand. */
  readonly signal: AbortSignal
  /** Adds a named check to `/readyz`. */
  ready(name: string, check: ReadyCheck): Disposable
  /** Adds a named warning to `/readyz`: reported, and the service stays ready. */
  warn(name: string, check: ReadyCheck): Disposable
  /** Publishes in `/readyz` what an accepted event survives. */
  durable(level: DurableLevel): void
  /** Takes routes until `start` returns; undefined when CONTROL_PORT is off. Guarded, see `refusal`. */
  readonly control: FastifyInstance | undefined
  /** Asked for every request to a route of the control port. */
  readonly authorize: Authorize
  /** What lets operators in from beyond loopback, by https at the port of `urls.control`; absent: nothing does. */
  readonly access?: ControlAccess
  /** Where control and metrics listen, with the actual ports. */
  readonly urls: { readonly control?: string; readonly metrics?: string }
}

/** A started service. Disposing ends it at once, whatever is in hand. */
export interface Running extends AsyncDisposable {
  /** Resolves when nothing is in hand any more; called once, after `draining` aborted. */
  drain?(): Promise<void>
}

/** What `stack` holds as one service; `drain` as in `Running`. Moves the stack. */
export function running(stack: AsyncDisposableStack, drain: () => Promise<void>): Running {
  const moved = stack.move()
  return { drain, [Symbol.asyncDispose]: () => moved.disposeAsync() }
}
