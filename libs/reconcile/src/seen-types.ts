import type { ChannelDriver, Position, Stored } from '@sluice/channel'
import { type Clock, sleep } from '@sluice/clock'
import type { Contract } from '@sluice/contract'
import type { Telemetry } from '@sluice/telemetry'
import type { SeenType } from './programs/index.ts'
import { LOG_CHANNELS } from './programs/kinds.ts'

const LOOK_EVERY_MS = 2_000
/** Of one log and look; more is looked at next time. */
const MAX_EVENTS = 5_000

export interface SeenTypesDeps {
  readonly driver: Pick<ChannelDriver, 'read'>
  readonly contract: () => Pick<Contract, 'logs' | 'ingresses'>
  readonly isWanted: () => boolean
  readonly seen: (type: SeenType) => Promise<void>
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/**
 * Tells which types of events come in, from the logs themselves, while somebody wants to know: nothing is on the way of
 * an event. Begins with what is stored from now on.
 */
export function startSeenTypes(deps: SeenTypesDeps): AsyncDisposable {
  const { contract, isWanted, clock, telemetry } = deps
  const stopped = new AbortController()
  const places = new Map<string, Position | Date>()

  async function look(): Promise<void> {
    const { logs, ingresses } = contract()
    const kinds = new Map(ingresses.map(({ log, path }) => [log, kindOf(path)]))
    for (const { uid, namespace, name, channel } of logs) {
      const kind = kinds.get(uid)
      if (kind === undefined || stopped.signal.aborted) continue
      try {
        await lookAt(uid, channel, { kind, namespace, name })
      } catch (error) {
        telemetry.log.warn({ channel, err: error }, 'types of events could not be looked at, will be tried again')
      }
    }
    for (const uid of places.keys()) if (!logs.some((log) => log.uid === uid)) places.delete(uid)
  }

  async function lookAt(uid: string, channel: string, owner: Pick<SeenType, 'kind' | 'namespace' | 'name'>) {
    const from = places.get(uid) ?? new Date(clock.now())
    if (from instanceof Date) places.set(uid, from)
    let count = 0
    for await (const stored of deps.driver.read(channel, from, stopped.signal)) {
      // reading begins with the place itself
      if (stored.position === from) continue
      const type = typeOf(stored)
      if (type !== undefined) await deps.seen({ ...owner, ...type })
      places.set(uid, stored.position)
      if (++count >= MAX_EVENTS) return
    }
  }

  const running = (async () => {
    while (!stopped.signal.aborted) {
      if (isWanted()) await look()
      else places.clear()
      await sleep(clock, LOOK_EVERY_MS, stopped.signal)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await running
    },
  }
}

/** What a log is of; a source's own has EventTypes of its source. Of a broker `/<namespace>/<name>`, of a channel `/channels/<namespace>/<kind>/<name>`. */
function kindOf(path: string): string | undefined {
  const [, first, , kind, name] = path.split('/')
  if (first === 'source-logs') return undefined
  if (first !== 'channels' || name === undefined) return 'Broker'
  return Object.keys(LOG_CHANNELS).find((each) => each.toLowerCase() === kind)
}

function typeOf({ event }: Stored): Pick<SeenType, 'type' | 'source' | 'schema'> | undefined {
  const text = (name: string) => event.attributes.get(name)?.toString()
  const [type, source, schema] = [text('type'), text('source'), text('dataschema')]
  if (type === undefined || source === undefined) return undefined
  return { type, source, ...(schema !== undefined && { schema }) }
}
