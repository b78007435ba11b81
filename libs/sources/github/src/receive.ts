import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '@sluice/clock'
import type { CloudEvent } from '@sluice/cloudevents'
import type { GitHubSourceRow } from '@sluice/contract'
import { EventingError } from '@sluice/errors'
import type { SourceOutlet } from '@sluice/source-runtime'
import type { KnownBodies } from './known-bodies.ts'
import { eventOf } from './mapping/event-of.ts'
import type { Payload } from './mapping/payload.ts'
import { checkSignature } from './signature.ts'

/** A source as its requests find it. */
export interface ReceivingSource {
  readonly row: GitHubSourceRow
  /** Any of them signs; none: its Secret can't be had. */
  secrets(): readonly string[]
  readonly known: KnownBodies
  readonly outlet: Pick<SourceOutlet, 'offer'>
  readonly signal: AbortSignal
}

export interface WebhookRequest {
  readonly headers: IncomingHttpHeaders
  /** As it came: it is signed, and goes on, byte for byte. */
  readonly body: Uint8Array
}

/** No event of GitHub's has a longer name, no delivery a longer id. */
const NAME = /^[a-z][a-z0-9_]{0,63}$/
const DELIVERY = /^[\x21-\x7e]{1,128}$/

/**
 * Takes one request to its end: `stored` once the installation holds the event. Throws what is to be answered.
 *
 *   signature ──► headers ──► eventTypes ──► body ──► replay ──► ingress ──► stored
 *   400 503       400 415     ignored        400      409        400 503
 */
export async function receive(
  { headers, body }: WebhookRequest,
  source: ReceivingSource,
  clock: Clock,
): Promise<'stored' | 'ignored'> {
  const { row, known, outlet, signal } = source
  checkSigned({ headers, body }, source)
  const event = headerOf(headers, 'x-github-event', NAME)
  const id = headerOf(headers, 'x-github-delivery', DELIVERY)
  checkType(headers['content-type'])
  if (!row.eventTypes.includes(event) && !row.eventTypes.includes('*')) return 'ignored'
  const payload = parsed(body)
  const receivedAt = new Date(clock.now()).toISOString()
  const made = eventOf({ event, id, payload, body, receivedAt }, row)
  const first = await known.firstIdOf(body, id)
  if (first !== id) {
    const message = `this body came as delivery ${first} before: a copy of it under another id is not taken for 24 hours`
    throw new EventingError({ code: 'DELIVERY_REPLAYED', delivery: id, first }, message)
  }
  await store(made, { outlet, signal, row })
  return 'stored'
}

function checkSigned({ headers, body }: WebhookRequest, { row, secrets }: ReceivingSource): void {
  const known = secrets()
  if (known.length === 0) {
    const { namespace, name, key } = row.secrets.secretToken
    throw unavailable(row, `the key ${key} of Secret ${namespace}/${name}, which signs its requests, can't be had yet`)
  }
  const signatures = { sha256: one(headers['x-hub-signature-256']), sha1: one(headers['x-hub-signature']) }
  const verdict = checkSignature(body, signatures, { secrets: known, allowSha1: row.allowSha1 })
  if (verdict === 'valid') return
  const problem =
    verdict === 'wrong'
      ? 'the signature is not that of this body with the secret of the source'
      : signatures.sha1 === undefined
        ? 'the header X-Hub-Signature-256 is missing: the webhook has no secret'
        : 'the header X-Hub-Signature-256 is missing; SHA-1 is taken with sluice.dev/allow-sha1: "true" only'
  throw new EventingError({ code: 'SIGNATURE_INVALID', source: `${row.namespace}/${row.name}` }, problem)
}

function headerOf(headers: IncomingHttpHeaders, name: string, form: RegExp): string {
  const value = one(headers[name])
  if (value !== undefined && form.test(value)) return value
  const problem = value === undefined ? `the header ${name} is missing` : `the header ${name} is not one of GitHub's`
  throw new EventingError({ code: 'REQUEST_MALFORMED', problem }, problem)
}

function checkType(contentType = ''): void {
  if (/^application\/json\s*(;|$)/i.test(contentType)) return
  const message = `content type ${JSON.stringify(contentType.slice(0, 100))} is not supported; set the webhook's to application/json`
  throw new EventingError({ code: 'CONTENT_TYPE_UNSUPPORTED', contentType: contentType.slice(0, 100) }, message)
}

function parsed(body: Uint8Array): Payload {
  try {
    const payload: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) return payload as Payload
  } catch {
    // said below: what a parser says shows parts of the body
  }
  const problem = 'the body is not a JSON object in UTF-8'
  throw new EventingError({ code: 'REQUEST_MALFORMED', problem }, problem)
}

async function store(
  event: CloudEvent,
  { outlet, signal, row }: Omit<ReceivingSource, 'secrets' | 'known'>,
): Promise<void> {
  const offered = await outlet.offer(event, signal)
  if (offered.outcome === 'stored') return
  if (offered.outcome === 'refused') {
    const problem = `the ingress ${offered.problem}`
    throw new EventingError({ code: 'EVENT_INVALID', problem }, problem)
  }
  if (offered.outcome === 'aborted') throw unavailable(row, 'it is being changed or stopped')
  throw unavailable(row, 'its events can not be stored now', offered.retryAfterMs)
}

export function unavailable(row: GitHubSourceRow, reason: string, retryAfterMs = 0): EventingError {
  const source = `${row.namespace}/${row.name}`
  return new EventingError(
    { code: 'SOURCE_UNAVAILABLE', source, retryAfterMs },
    `${source}: ${reason}; redeliver later`,
  )
}

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
