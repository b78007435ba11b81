import { randomUUID } from 'node:crypto'
import type { ChannelDriver } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { type ContractSource, holdContract } from '@sluice/contract'
import type { Telemetry } from '@sluice/telemetry'
import { redeliveryEvents } from './events.ts'
import { jobRoutes } from './job-routes.ts'
import { Jobs } from './jobs.ts'
import { parkedRoutes } from './parked-routes.ts'
import { replayRoute } from './replay-route.ts'
import type { Route } from './request.ts'

export interface RedeliveryDeps {
  readonly driver: ChannelDriver
  readonly contract: ContractSource
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Of jobs; default random. */
  readonly newId?: () => string
}

/** What an operator asks of events that came to no good end, or that have passed. */
export interface Redelivery extends AsyncDisposable {
  /** For the control port. */
  readonly routes: readonly Route[]
  /** Ends every job where it is and takes no more. */
  drain(): Promise<void>
}

/** Parked events and replay, for a process that dispatches: jobs put events into the queues that it reads. */
export function startRedelivery({ driver, contract, clock, telemetry, newId = shortId }: RedeliveryDeps): Redelivery {
  const events = redeliveryEvents(telemetry)
  const held = holdContract(contract, 'redelivery')
  const jobs = new Jobs({ clock, events })
  const asking = { driver, contract: held.contract, clock, events, jobs, newId }
  return {
    routes: [...parkedRoutes(asking), replayRoute(asking), ...jobRoutes(asking)],
    drain: () => jobs.stop(),
    async [Symbol.asyncDispose]() {
      await jobs.stop()
      held[Symbol.dispose]()
    },
  }
}

function shortId(): string {
  return randomUUID().replaceAll('-', '').slice(0, 16)
}
