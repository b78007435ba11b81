import { sleep } from '@sluice/clock'
import type { CloudEvent } from '@sluice/cloudevents'
import type { ApiServerSourceRow, WatchedResource } from '@sluice/contract'
import { EventingError, isFailure } from '@sluice/errors'
import { type ClusterTransport, requestsOver } from '@sluice/kubernetes'
import type { ApiObject } from '@sluice/resources/api'
import { DEPLOYED, type HoldingSource } from '@sluice/source-runtime'
import { discover } from './api/discover.ts'
import { type Access, openAccess, serverTime } from './api/open-access.ts'
import { openFeed } from './api/open-feed.ts'
import { missingPermissions } from './api/permissions.ts'
import type { Change } from './change.ts'
import { type EventsOf, eventOf, type ServedResource } from './event-of.ts'
import type { ApiServerEvents } from './events.ts'
import { followObjects, tellLast } from './follow-objects.ts'
import { eventIfWanted } from './is-wanted.ts'
import { forgetStream, KnownObjects, keptStreams } from './known-objects.ts'
import type { ObjectFeed } from './object-feed.ts'
import { createGate, outflow } from './outflow.ts'
import { type Part, Problems, SUFFICIENT_PERMISSIONS } from './problems.ts'
import { type Stream, streamId, streamName, streamsOf } from './stream.ts'

export interface SourceWorkDeps {
  readonly source: HoldingSource<ApiServerSourceRow>
  readonly cluster: Pick<ClusterTransport, 'transport' | 'bearing' | 'server'>
  readonly events: ApiServerEvents
  readonly random: () => number
}

/** Lists and watches of one source; each holds a connection. */
const MAX_STREAMS = 500
/** Events of one source that are on their way to the ingress. */
const EVENTS_AT_ONCE = 32
const LISTS_AT_ONCE = 8
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 60_000
/** For what went last in a namespace that is watched no longer, and may be gone with the right to ask. */
const LAST_TRIES = 3
const SINCE = 'since'

/**
 * One source at work, each resource and each namespace on its own: what can't be found, read or watched is tried again
 * and holds up nothing else.
 */
export class SourceWork implements AsyncDisposable {
  readonly row: ApiServerSourceRow
  readonly #deps: SourceWorkDeps
  readonly #problems = new Problems(() => this.#report())
  readonly #keeping = this.#problems.begin('what is kept at the controller')
  readonly #events = createGate(EVENTS_AT_ONCE)
  readonly #lists = createGate(LISTS_AT_ONCE)
  readonly #isWanted: ReturnType<typeof eventIfWanted>
  readonly #known = new Set<KnownObjects>()
  readonly #running: Promise<void>
  readonly #aborted = Promise.withResolvers<void>()
  #access: Access | undefined
  #streams = 0
  #isHeld = false

  /** Throws for a filter that can't be built. */
  constructor(deps: SourceWorkDeps) {
    const { row, signal } = deps.source
    this.row = row
    this.#deps = deps
    this.#isWanted = eventIfWanted(row)
    signal.addEventListener('abort', () => this.#aborted.resolve(), { once: true })
    if (signal.aborted) this.#aborted.resolve()
    this.#running = this.#run()
  }

  /** Resolves once every part works or has failed at least once. */
  get settled(): Promise<void> {
    return Promise.race([this.#problems.settled, this.#aborted.promise]).then(() => {
      // behind what the runtime says of it, which knows nothing of parts
      this.#deps.source.clock.after(0, () => {
        this.#isHeld = true
        this.#report()
      })
    })
  }

  get objects(): number {
    return [...this.#known].reduce((sum, { size }) => sum + size, 0)
  }

  #report(): void {
    const { source } = this.#deps
    if (source.signal.aborted) return
    const permissions = this.#problems.permissions()
    if (permissions?.status === 'False') source.status.condition(SUFFICIENT_PERMISSIONS, permissions)
    else if (permissions !== undefined)
      source.status.condition(SUFFICIENT_PERMISSIONS, { ...permissions, ...this.#basis() })
    if (this.#isHeld) source.status.condition(DEPLOYED, this.#problems.others())
  }

  /** Why it may read, where that is not by what was asked. */
  #basis(): { readonly reason?: string; readonly message?: string } {
    const name = this.row.serviceAccountName
    if (this.#access?.user === undefined)
      return {
        reason: 'NoServiceAccounts',
        message: `the API server has none: the service reads with its own access, not as ServiceAccount ${name}`,
      }
    if (this.row.skipPermissionsCheck === true)
      return { reason: 'NotChecked', message: 'nobody was asked, and nothing was denied' }
    return {}
  }

  async #run(): Promise<void> {
    const { cluster, source } = this.#deps
    const { clock, signal } = source
    const kinds = [...Map.groupBy(this.row.resources, ({ apiVersion, kind }) => `${kind} of ${apiVersion}`)].map(
      ([name, resources]) => ({ resources, part: this.#problems.begin(name) }),
    )
    const server = this.#problems.begin(`API server ${cluster.server}`)
    // behind those that are waited for
    this.#keeping.works()
    const begun = await this.#until(server, async () => {
      this.#access ??= await openAccess({ cluster, row: this.row, clock, signal })
      const since = await this.#since(this.#access)
      return { access: this.#access, since, kept: await keptStreams(source.state) }
    })
    if (begun === undefined) return
    server.works()
    source.status.fact('apiServer', cluster.server)
    const isOfKind = ({ apiVersion, kind }: Stream, { resources }: (typeof kinds)[number]) =>
      resources.some((each) => each.apiVersion === apiVersion && each.kind === kind)
    const strangers = begun.kept.filter((stream) => !kinds.some((each) => isOfKind(stream, each)))
    await Promise.all([
      ...kinds.map((each) =>
        this.#runKind({ ...begun, ...each, kept: begun.kept.filter((stream) => isOfKind(stream, each)) }),
      ),
      ...strangers.map((stream) => this.#forget(stream)),
    ])
  }

  /** When the source began, by the API server's clock: what was made since is new, in whatever namespace. */
  async #since(access: Access): Promise<number> {
    const { state, clock, signal } = this.#deps.source
    const kept = await state.get(SINCE)
    if (kept !== undefined) return Number(kept)
    const since = await serverTime(access.transport, clock, signal)
    await state.put({ [SINCE]: String(since) })
    return since
  }

  async #runKind(of: {
    readonly access: Access
    readonly since: number
    /** Of this kind, from before. */
    readonly kept: readonly Stream[]
    readonly resources: readonly WatchedResource[]
    readonly part: Part
  }): Promise<void> {
    const { access, part, kept, resources, since } = of
    const { clock, signal } = this.#deps.source
    const requests = requestsOver(access.transport, clock)
    const [first] = resources as [WatchedResource]
    const resource = await this.#until(part, async () => {
      this.#checkSecrecy(access, first)
      return discover(requests, first, signal)
    })
    if (resource === undefined) return
    const all = resources.flatMap((each) => streamsOf(each, resource, this.row.namespaces))
    const streams = new Map(all.map((stream) => [streamId(stream), stream]))
    const former = kept.filter((stream) => !streams.has(streamId(stream)))
    const last = Promise.all(former.map((stream) => this.#last(stream, resource, access)))
    if (this.#streams + streams.size > MAX_STREAMS) {
      part.failed(tooMany(this.#streams + streams.size))
      return
    }
    this.#streams += streams.size
    const permitted = await this.#until(part, async () => {
      if (this.row.skipPermissionsCheck !== true) await this.#checkPermissions(access, resource, [...streams.values()])
      return true
    })
    if (permitted === undefined) return
    const begun = [...streams.values()].map((stream) => ({ stream, part: this.#problems.begin(streamName(stream)) }))
    part.works()
    const isNew = ({ metadata }: ApiObject) =>
      this.row.initialListing === 'add' || Date.parse(String(metadata.creationTimestamp)) > since
    await Promise.all([last, ...begun.map((each) => this.#follow({ ...each, resource, access, isNew }))])
  }

  /** Whoever may make a source could read every Secret, where there is nobody to say who may. */
  #checkSecrecy({ user }: Access, { apiVersion, kind }: WatchedResource): void {
    if (user !== undefined || this.row.mode !== 'Resource' || apiVersion !== 'v1' || kind !== 'Secret') return
    throw denied(
      'the API server has no service accounts, so that nothing says who may read Secrets: use mode Reference',
    )
  }

  async #checkPermissions(access: Access, resource: ServedResource, streams: readonly Stream[]): Promise<void> {
    const { clock, signal } = this.#deps.source
    const namespaces = [...new Set(streams.map(({ namespace }) => namespace))]
    const missing = await missingPermissions(requestsOver(access.transport, clock), resource, namespaces, signal)
    if (missing.length > 0) throw denied(`${access.user ?? 'the service'} may not ${missing.join('; ')}`)
  }

  async #follow(of: {
    readonly stream: Stream
    readonly part: Part
    readonly resource: ServedResource
    readonly access: Access
    readonly isNew: (object: ApiObject) => boolean
  }): Promise<void> {
    const { stream, part, resource, access, isNew } = of
    const { source, events, random } = this.#deps
    const { clock, signal } = source
    const known = await this.#until(part, () => this.#load(stream))
    if (known === undefined) return
    this.#known.add(known)
    try {
      await followObjects({
        ...{ clock, signal, random, known, isNew },
        feed: this.#feed(stream, resource, access),
        tell: this.#outflow(stream, resource),
        progress: {
          works: () => part.works(),
          failed(retryInMs, error) {
            part.failed(error)
            events.failed(part.name, retryInMs, error)
          },
          compared: (objects) => events.compared(part.name, objects),
        },
      })
    } catch (error) {
      events.ended(part.name, error)
      if (!isFailure(error, 'SOURCE_NOT_HELD')) part.failed(error)
    }
    await known[Symbol.asyncDispose]()
    this.#known.delete(known)
  }

  #load(stream: Stream): Promise<KnownObjects> {
    const { source, events } = this.#deps
    return KnownObjects.load({
      ...{ state: source.state, clock: source.clock, stream },
      kept: () => this.#keeping.works(),
      failed: (retryInMs, error) => {
        events.stateFailed(streamName(stream), retryInMs, error)
        // a controller that is away delays nothing; one that has no room may let it be missed that an object goes
        if (!isFailure(error, 'CONTRACT_UNREACHABLE')) this.#keeping.failed(error)
      },
    })
  }

  #feed(stream: Stream, resource: ServedResource, { transport }: Access): ObjectFeed {
    const { clock } = this.#deps.source
    const feed = openFeed({ transport, clock, stream, resource, isWhole: this.row.mode === 'Resource' })
    return { ...feed, list: (next, signal) => this.#lists(() => feed.list(next, signal)) }
  }

  #outflow({ selector }: Stream, resource: ServedResource): (changes: readonly Change[]) => Promise<boolean> {
    const { source, cluster } = this.#deps
    const of: EventsOf = { row: this.row, source: cluster.server, resource, isSelected: selector !== '' }
    return outflow({
      ...{ outlet: source.outlet, signal: source.signal, gate: this.#events },
      eventOf: (change) => this.#eventOf(change, of),
    })
  }

  /** Undefined for what nobody wants, and for a name that no event can carry: some kinds allow control characters. */
  #eventOf(change: Change, of: EventsOf): CloudEvent | undefined {
    try {
      const event = eventOf(change, of)
      return this.#isWanted(change, event) ? event : undefined
    } catch (error) {
      if (!isFailure(error, 'EVENT_INVALID')) throw error
      this.#deps.events.untold(of.resource.kind, error)
      return undefined
    }
  }

  /** Of a namespace, or a selector, that is watched no longer: what went while it still was is told, once. */
  async #last(stream: Stream, resource: ServedResource, access: Access): Promise<void> {
    const { source, events } = this.#deps
    const { signal } = source
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        await using known = await this.#load(stream)
        const deps = {
          known,
          signal,
          feed: this.#feed(stream, resource, access),
          tell: this.#outflow(stream, resource),
        }
        await tellLast(deps)
        break
      } catch (error) {
        if (tries < LAST_TRIES) await this.#wait(tries)
        else {
          events.forgotten(streamName(stream), error)
          break
        }
      }
    }
    if (!signal.aborted) await this.#forget(stream)
  }

  /** What is left for lack of a desk is met again by the next who begins. */
  async #forget(stream: Stream): Promise<void> {
    const { source, events } = this.#deps
    await forgetStream(source.state, stream).catch((error) => events.stateFailed(streamName(stream), 0, error))
  }

  /** Until it is done, or the work is over. */
  async #until<T>(part: Part, work: () => Promise<T>): Promise<T | undefined> {
    const { source, events } = this.#deps
    for (let failures = 1; !source.signal.aborted; failures++) {
      try {
        return await work()
      } catch (error) {
        if (source.signal.aborted) return undefined
        part.failed(error)
        events.failed(part.name, retryInMs(failures), error)
        await this.#wait(failures)
      }
    }
    return undefined
  }

  #wait(failures: number): Promise<void> {
    const { clock, signal } = this.#deps.source
    return sleep(clock, retryInMs(failures), signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running
  }
}

function retryInMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS)
}

function denied(message: string): EventingError {
  return new EventingError({ code: 'RESOURCE_REFUSED', reason: 'Forbidden', status: 403 }, message)
}

function tooMany(streams: number): EventingError {
  const problem = `it takes ${streams} watches, ${MAX_STREAMS} are allowed: name fewer resources or namespaces, or all namespaces with namespaceSelector: {}`
  return new EventingError({ code: 'CONFIG_INVALID', problems: [problem] }, problem)
}
