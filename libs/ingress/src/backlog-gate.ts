import type { ChannelDriver } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import type { DeliveryRow, LogRow } from '@sluice/contract'
import { DISPATCH_SUBSCRIPTION, FILTER_SUBSCRIPTION } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import type { IngressEvents } from './events.ts'

export interface BacklogGateDeps {
  readonly driver: Pick<ChannelDriver, 'backlog'>
  readonly clock: Clock
  readonly events: Pick<IngressEvents, 'gateClosed' | 'gateOpened' | 'gateBlind'>
  /** How old an answer may get; what is accepted meanwhile may pass the bound by as much. */
  readonly intervalMs: number
  /** The rows as they are now. */
  readonly log: () => LogRow
  readonly deliveries: () => Iterable<DeliveryRow>
}

/** Back-pressure of one broker or channel. `check` throws BACKLOG_FULL; it never waits, it answers from the last look. */
export interface BacklogGate extends Disposable {
  check(): void
}

/**
 * Looks at the backlog while events come, and until it is open again. Full is
 *
 *   a trigger's queue:  waiting bytes ≥ its `backlogMaxBytes` (asked per queue only when the total reaches the smallest)
 *   the log itself:     bytes no filter has judged ≥ the largest of those bounds; with no trigger, what retention keeps
 *
 * A look that fails changes nothing: whether the channel takes events, the channel itself says.
 */
export function openBacklogGate(deps: BacklogGateDeps): BacklogGate {
  const { clock, events, intervalMs } = deps
  let full: string | undefined
  let asked = false
  let looking = false
  let timer: Disposable | undefined
  let disposed = false
  let isBlind = false

  const look = async () => {
    asked = false
    try {
      const now = await fullQueue(deps)
      if (now !== undefined && full === undefined) events.gateClosed(deps.log(), now)
      if (now === undefined && full !== undefined) events.gateOpened(deps.log())
      full = now
      isBlind = false
    } catch (error) {
      // Said once, not at each look while a channel is away
      if (!disposed && !isBlind) events.gateBlind(deps.log(), error)
      isBlind = true
    }
    looking = false
    if (asked || full !== undefined) arm()
  }
  const arm = () => {
    if (looking || disposed) return
    looking = true
    timer = clock.after(intervalMs, () => void look())
  }

  return {
    check() {
      asked = true
      if (!looking) arm()
      if (full === undefined) return
      const { namespace, name } = deps.log()
      throw new EventingError(
        { code: 'BACKLOG_FULL', broker: `${namespace}/${name}` },
        `the backlog of ${full} is full; try again when it has been worked off`,
      )
    },
    [Symbol.dispose]() {
      disposed = true
      timer?.[Symbol.dispose]()
    },
  }
}

const WHO: Readonly<Record<LogRow['kind'], { readonly reader: string; readonly unread: string }>> = {
  broker: { reader: 'trigger', unread: 'no trigger has judged' },
  channel: { reader: 'subscription', unread: 'no subscription has' },
}

/** What is full, in words for people, or undefined. */
async function fullQueue({ driver, log, deliveries }: BacklogGateDeps): Promise<string | undefined> {
  const row = log()
  const bounds = [...deliveries()]
  const smallest = bounds.reduce((least, { backlogMaxBytes }) => Math.min(least, backlogMaxBytes), Infinity)
  const largest = bounds.reduce((most, { backlogMaxBytes }) => Math.max(most, backlogMaxBytes), 0)

  const unjudged = await driver.backlog(row.channel, FILTER_SUBSCRIPTION)
  if (unjudged.bytes >= (bounds.length > 0 ? largest : row.retention.maxBytes)) {
    return `${row.kind} ${row.namespace}/${row.name} (events that ${WHO[row.kind].unread} yet)`
  }
  if (bounds.length === 0) return undefined
  const waiting = await driver.backlog(row.queues, DISPATCH_SUBSCRIPTION)
  if (waiting.bytes < smallest) return undefined
  for (const { uid, namespace, name, backlogMaxBytes } of bounds) {
    if (waiting.bytes < backlogMaxBytes) continue
    const queue = await driver.backlog(row.queues, DISPATCH_SUBSCRIPTION, uid)
    if (queue.bytes >= backlogMaxBytes) return `${WHO[row.kind].reader} ${namespace}/${name}`
  }
  return undefined
}
