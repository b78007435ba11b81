import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ChannelDriver } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { httpUrl } from '@sluice/config'
import type { ContractSource } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import type { Journal } from '@sluice/journal'
import type { Telemetry } from '@sluice/telemetry'
import { createAdmission, DEFAULT_MAX_TTL } from './admission.ts'
import { openBacklogGate } from './backlog-gate.ts'
import { type AnsweredEarly, brokenRequests } from './broken-request.ts'
import { followBrokers } from './brokers.ts'
import type { IngressEvents } from './events.ts'
import { ingressEvents } from './events.ts'
import type { HttpLimits } from './http-limits.ts'
import { DEFAULT_HTTP_LIMITS } from './http-limits.ts'
import { listenHttp } from './http-listener.ts'
import { trackInFlight } from './in-flight.ts'
import { unavailable } from './keep.ts'
import { memoryBudget } from './memory-budget.ts'
import { answerWith, type ReceiveDeps, receive } from './receive.ts'
import { isReceiverPath, type Receivers } from './receivers.ts'

/** Source: CloudEvents 1.0.2, size limits: events up to 64 KiB must be forwarded. */
const MIN_EVENT_BYTES = 64 * 1024
const DEFAULT_EVENT_BYTES = 1024 * 1024
const DEFAULT_IN_FLIGHT_BYTES = 64 * 1024 * 1024

export interface IngressOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly driver: ChannelDriver
  readonly contract: ContractSource
  /** Name under which the contract's revisions are acknowledged. */
  readonly replica: string
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Attributes and data as stored; at least 64 KiB, default 1 MiB. A driver's own smaller bound holds. */
  readonly maxEventBytes?: number
  /** Hops of an event whose sender named none; default 255. */
  readonly maxTtl?: number
  /** Bytes of requests being read and stored; beyond, 429. Default 64 MiB. */
  readonly maxInFlightBytes?: number
  /** A channel that has not answered by then is 503; default 10 s. */
  readonly storeTimeoutMs?: number
  /** How old the ingress's idea of a backlog may get; default 250 ms. */
  readonly backlogIntervalMs?: number
  readonly http?: Partial<HttpLimits>
  readonly journal?: Journal | undefined
  /** Who answers what is sent to receivers of sources on the same port; without, such a path is none. */
  readonly receivers?: Receivers
}

export interface Ingress extends AsyncDisposable {
  /** As this machine reaches it, with the actual port. */
  readonly url: string
  readonly port: number
  /** Why it can't take events now; undefined when it can. */
  ready(): string | undefined
  /** New requests get 503 from now on; resolves when the running ones are answered. */
  drain(): Promise<void>
}

/** Serves `POST` to brokers and channels, by path or Host. Rejects with CONFIG_INVALID, PORT_IN_USE or ADDRESS_UNUSABLE. Disposing cuts what still runs. */
export async function startIngress(options: IngressOptions): Promise<Ingress> {
  const { host, driver, clock, telemetry } = options
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.http }
  const events = ingressEvents(telemetry)
  const maxInFlightBytes = options.maxInFlightBytes ?? DEFAULT_IN_FLIGHT_BYTES
  const maxEventBytes = eventBound(options, events)
  const storeTimeoutMs = options.storeTimeoutMs ?? 10_000
  let draining = false

  const openGate = (rows: Parameters<Parameters<typeof followBrokers>[0]['openGate']>[0]) =>
    openBacklogGate({ ...rows, driver, clock, events, intervalMs: options.backlogIntervalMs ?? 250 })
  const brokers = followBrokers({ ...options, events, openGate })
  const answeredEarly: AnsweredEarly = new WeakMap()
  const common = { clock, events, answeredEarly, lingerMs: limits.lingerMs, isDraining: () => draining }
  const inFlight = trackInFlight({
    clock,
    storeTimeoutMs,
    giveUp(exchange) {
      answerWith(unavailable(driver.name, `it did not answer within ${storeTimeoutMs} ms`), exchange, common)
      inFlight.leave(exchange)
    },
  })
  const deps: ReceiveDeps = {
    ...common,
    ...{ inFlight, brokers, driver, maxEventBytes },
    memory: memoryBudget(maxInFlightBytes),
    startSpan: telemetry.startSpan,
    ...{ journal: options.journal, replica: options.replica },
    admit: createAdmission({ clock, maxEventBytes, maxTtl: options.maxTtl ?? DEFAULT_MAX_TTL }),
    maxBodyBytes: maxInFlightBytes,
    maxHeaderBytes: limits.maxHeaderBytes,
  }
  const take = (request: IncomingMessage, response: ServerResponse) => void receive(request, response, deps)
  const { receivers } = options
  const onRequest =
    receivers === undefined
      ? take
      : (request: IncomingMessage, response: ServerResponse) =>
          isReceiverPath(request.url) ? receivers.handle(request, response) : take(request, response)
  const broken = brokenRequests({ ...{ clock, events, answeredEarly, pendingOn: inFlight.pendingOn }, ...limits })
  const listener = await listenHttp({ host, port: options.port, limits, clock, onRequest, broken, events }).catch(
    (error) => {
      brokers[Symbol.dispose]()
      throw error
    },
  )

  return {
    port: listener.port,
    url: httpUrl(host, listener.port),
    ready: () => (draining ? 'draining' : brokers.programmed() ? undefined : 'no contract yet'),
    drain() {
      draining = true
      listener.closeIdle()
      return inFlight.idle()
    },
    async [Symbol.asyncDispose]() {
      draining = true
      await listener[Symbol.asyncDispose]()
      brokers[Symbol.dispose]()
    },
  }
}

function eventBound(
  { driver, maxEventBytes = DEFAULT_EVENT_BYTES, maxInFlightBytes }: IngressOptions,
  events: IngressEvents,
) {
  const bound = Math.min(maxEventBytes, driver.capabilities.maxEventBytes)
  const problems: string[] = []
  if (bound < MIN_EVENT_BYTES) problems.push(`maxEventBytes is ${bound}, it must be at least ${MIN_EVENT_BYTES}`)
  if ((maxInFlightBytes ?? DEFAULT_IN_FLIGHT_BYTES) < 2 * bound) {
    problems.push(`maxInFlightBytes is ${maxInFlightBytes}, it must be at least twice the largest event, ${2 * bound}`)
  }
  if (problems.length > 0) throw new EventingError({ code: 'CONFIG_INVALID', problems }, problems.join('; '))
  if (bound < maxEventBytes) events.eventBoundLowered({ driver: driver.name, maxEventBytes: bound })
  return bound
}
