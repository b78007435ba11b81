import type { Durability } from '@sluice/channel'
import type { Clock } from '@sluice/clock'
import { EventingError } from '@sluice/errors'
import type { Telemetry } from '@sluice/telemetry'
import { loginProblems } from './login.ts'

export type NatsAuth =
  /** Text of a `.creds` file. */
  | { readonly kind: 'credentials'; readonly credentials: string }
  | { readonly kind: 'nkey'; readonly seed: string }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'token'; readonly token: string }

export interface NatsOptions {
  /**
   * One or several servers of one cluster, separated by commas: `nats://host:4222`, `tls://…`. No credentials in it.
   * One `tls://` requires TLS of all.
   */
  readonly url: string
  readonly clock: Clock
  readonly telemetry: Pick<Telemetry, 'log' | 'counter'>
  readonly auth?: NatsAuth
  /** PEM texts. Present, even empty: TLS is required. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** Copies of each stream in the server's cluster, 1 to 5. Default 1. */
  readonly replicas?: number
  /** What the operator states: every server runs with `sync_interval: always`. No client can ask. Default false. */
  readonly syncAlways?: boolean
  /** First token of every subject and stream: tells installations on one server apart. Default `sluice`. */
  readonly prefix?: string
  /** A consumer that is silent for this long loses its lanes, ms, at least 300. Default 10,000. */
  readonly leaseMs?: number
  /** Shown by the server's monitoring. Default `sluice`. */
  readonly connectionName?: string
}

export const DRIVER_NAME = 'nats'
export const MIN_SERVER_VERSION = [2, 9, 0] as const
export const DEFAULT_LEASE_MS = 10_000
/** The streams' own duplicate window, JetStream's default. */
export const DEDUP_WINDOW_MS = 120_000
/** What a note, a reason and the place of an entry may add to it when it is moved aside or parked. */
export const ADDED_BYTES = 16 * 1024
/** Until a server has said otherwise. */
export const DEFAULT_MAX_PAYLOAD = 1024 * 1024
export const MAX_NOTE_BYTES = 4096

const SCHEMES: ReadonlySet<string> = new Set(['nats:', 'tls:'])
const TOKEN = /^[A-Za-z0-9_-]{1,64}$/

/** Throws CONFIG_INVALID with every problem there is. */
export function checkOptions(options: NatsOptions): readonly string[] {
  const { url, tls, replicas = 1, prefix = 'sluice', leaseMs = DEFAULT_LEASE_MS } = options
  const problems: string[] = []
  const servers = url.split(',').map((server) => server.trim())
  for (const server of servers) {
    const problem = serverProblem(server)
    if (problem !== undefined) problems.push(problem)
  }
  if ((tls?.cert === undefined) !== (tls?.key === undefined)) {
    problems.push('a TLS client certificate needs its key, and a key its certificate: give both or none')
  }
  if (!(Number.isInteger(replicas) && replicas >= 1 && replicas <= 5)) {
    problems.push(`${replicas} replicas: JetStream keeps 1 to 5 copies of a stream`)
  }
  if (!TOKEN.test(prefix)) problems.push(`prefix "${prefix}": use 1 to 64 letters, digits, - and _`)
  if (!(leaseMs >= 300)) problems.push(`a lease of ${leaseMs} ms is too short: at least 300`)
  problems.push(...loginProblems(options))
  if (problems.length > 0) throw new EventingError({ code: 'CONFIG_INVALID', problems }, problems.join('; '))
  return servers
}

function serverProblem(server: string): string | undefined {
  const url = URL.parse(server)
  if (url === null || !SCHEMES.has(url.protocol) || url.hostname === '') {
    return `a NATS server's URL looks like nats://host:4222 or tls://host:4222${url === null ? '' : `, not ${url.protocol}`}`
  }
  if (url.username === '' && url.password === '') return undefined
  return 'a NATS URL must not hold credentials, which end up in logs: configure user and password apart'
}

export function durabilityOf({ replicas = 1, syncAlways = false }: NatsOptions): Durability {
  if (replicas > 1) return { replicas }
  return syncAlways ? 'disk' : 'process'
}
