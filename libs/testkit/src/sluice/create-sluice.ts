import { oneWrite } from '@sluice/channel'
import { openEmbeddedDriver } from '@sluice/channel-embedded'
import { readConfig } from '@sluice/config'
import { createContractStore, purgeParked, removeEndedChannels } from '@sluice/contract'
import { startDispatcher } from '@sluice/dispatch'
import { EventingError } from '@sluice/errors'
import { startFilter } from '@sluice/filter'
import { createAdmission, startIngress } from '@sluice/ingress'
import { fixedAddresses, overChanges, startControlPlane, storeConfig, storeLimits } from '@sluice/reconcile'
import { parseDuration } from '@sluice/resources'
import { Sender } from '@sluice/sender'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { VirtualClock } from '../virtual-clock.ts'
import { manifestsOf } from './manifests.ts'
import type { ManifestsGiven, Sluice, SluiceOptions } from './options.ts'
import { Pace } from './pace.ts'
import { parkedEvents } from './parked-events.ts'
import { post } from './send.ts'
import { fullName, sinkOf, startSinks } from './sinks.ts'

const HOUR_MS = 3_600_000
/** What storing may take, virtually. */
const STORING_MS = 1_000
const MAX_REPLY_BYTES = 2 ** 21
const MAX_EVENT_BYTES = 2 ** 20
const MAX_TTL = 255

/**
 * Ingress, filter, dispatcher and the embedded channel in this process, in memory, over a virtual clock: hours of
 * back-off pass in milliseconds. HTTP is real, on loopback. Rejects with MANIFESTS_INVALID, also for a Trigger that
 * would not be Ready.
 */
export async function createSluice(options: SluiceOptions): Promise<Sluice> {
  await using stack = new AsyncDisposableStack()
  const telemetry = createTestTelemetry()
  const pace = new Pace(() => sinks.values())
  const clock = new VirtualClock(options.startsAt, pace.quiet)
  // Whoever closes may wait for a timer
  const use = <T extends AsyncDisposable>(it: T): T => {
    stack.defer(() => moving(Promise.resolve(it[Symbol.asyncDispose]())))
    return it
  }
  const moving = async <T>(work: Promise<T>): Promise<T> => {
    let isOver = false
    const end = () => {
      isOver = true
    }
    work.then(end, end)
    for (let ms = 0; !isOver && ms < STORING_MS; ms++) await clock.advance(1)
    return work
  }

  const sinks = await startSinks(options.sinks ?? {}, { clock, stack })
  const urls = Object.fromEntries([...sinks].map(([name, { url }]) => [name, url]))
  const driver = oneWrite(use(await openEmbeddedDriver({ dataDir: ':memory:', clock, log: telemetry.log })), clock)
  const contract = await createContractStore({ clock, telemetry })
  const limits = storeLimits(readConfig(storeConfig, {}))
  const role = { driver, contract, clock, telemetry }
  const ingress = use(
    await startIngress({ ...role, driver: pace.storing(driver), host: '127.0.0.1', port: 0, replica: 'ingress' }),
  )
  const controlPlane = use(
    await startControlPlane({
      ...{ path: ':memory:', store: overChanges(contract), clock, telemetry, services: urls, ...limits },
      addresses: fixedAddresses(ingress.url),
      drivers: {
        default: 'embedded',
        has: (name) => name === 'embedded',
        fix: () => 'only the embedded driver is here',
      },
    }),
  )
  const applied = manifestsOf(controlPlane, (name) => sinks.has(name))

  async function apply(given: ManifestsGiven): Promise<void> {
    await moving(applied(given))
    await moving(contract.whenAcknowledged(contract.contract().revision))
  }

  stack.use(removeEndedChannels(role))
  stack.use(purgeParked({ ...role, retentionMs: limits.parkedRetentionMs }))
  use(
    startDispatcher({
      ...{ ...role, replica: 'dispatcher', ingressUrl: ingress.url, random: options.random ?? (() => 0) },
      admit: createAdmission({ clock, maxEventBytes: MAX_EVENT_BYTES, maxTtl: MAX_TTL }),
      sender: pace.counted(new Sender({ clock, maxReplyBytes: MAX_REPLY_BYTES })),
    }),
  )
  use(startFilter({ ...role, replica: 'filter' }))
  const { manifests } = options
  await apply(typeof manifests === 'function' ? manifests(byShortName(urls)) : manifests)

  let sent = 0
  let last: Promise<unknown> = Promise.resolve()
  /** Time has one driver. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }
  const owned = stack.move()
  return {
    url: ingress.url,
    now: () => clock.now(),
    sink: (name) => sinkOf(sinks, name),
    send: (event, broker = 'default') =>
      inTurn(async () => {
        const url = `${ingress.url}/${fullName(broker)}`
        const answer = await moving(pace.during(url, post(url, event, `test-${++sent}`)))
        await pace.quiet()
        return answer
      }),
    advance: (time) =>
      inTurn(async () => {
        for (let left = millisecondsOf(time); left >= 0; left -= HOUR_MS) await clock.advance(Math.min(left, HOUR_MS))
      }),
    apply: (given) => inTurn(() => apply(given)),
    parked: (trigger) => inTurn(() => moving(parkedEvents(driver, contract.contract(), trigger && fullName(trigger)))),
    get complaints() {
      return telemetry.lines
        .filter(({ level }) => level === 'warn' || level === 'error')
        .map(({ level, message, fields }) => `${level}: ${message} ${JSON.stringify(fields)}`)
    },
    [Symbol.asyncDispose]: () => inTurn(() => owned.disposeAsync()),
  }
}

/** Sinks of namespace `default` by their names alone, too. */
function byShortName(urls: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const short = Object.entries(urls).map(([name, url]) => [name.replace(/^default\//, ''), url] as const)
  return { ...urls, ...Object.fromEntries(short) }
}

function millisecondsOf(time: number | string): number {
  const read = typeof time === 'string' ? parseDuration(time) : { ms: time }
  if ('ms' in read && read.ms >= 0) return read.ms
  const why = 'problem' in read ? read.problem : 'must be milliseconds, or an ISO 8601 duration such as "PT1H"'
  const problem = `advance: ${JSON.stringify(time)} ${why}`
  throw new EventingError({ code: 'CONFIG_INVALID', problems: [problem] }, problem)
}
