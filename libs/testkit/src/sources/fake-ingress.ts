import type { Clock } from '@sluice/clock'
import { type CloudEvent, decodeHttp } from '@sluice/cloudevents'
import { EventingError } from '@sluice/errors'
import type { Answer, Endpoint, Outgoing, OutgoingRequest } from '@sluice/sender'

/** A request of a source as it came. */
export interface SourceRequest {
  /** Counts from 1. */
  readonly n: number
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly event: CloudEvent
}

/** A status; with `retryAfter` as a header; `unreachable`; or `hang`: no answer before the deadline, where there is a clock. */
export type IngressAnswer =
  | number
  | 'unreachable'
  | 'hang'
  | { readonly status: number; readonly retryAfter?: string; readonly body?: string }

/** The ingress of the installation as sources see it, without a network. */
export interface FakeIngress {
  /** For `runSources`. */
  readonly sender: Pick<Outgoing, 'adopt' | 'forget' | 'post'>
  /** Every request, answered how ever. */
  readonly requests: readonly SourceRequest[]
  /** Events answered with 2xx, in that order, repeats included. */
  readonly stored: readonly CloudEvent[]
  /** Decides from now on; at first all is 202. */
  respond: (request: SourceRequest) => IngressAnswer
}

export function createFakeIngress({ clock }: { readonly clock?: Clock } = {}): FakeIngress {
  const requests: SourceRequest[] = []
  const stored: CloudEvent[] = []

  const post = async (endpoint: Endpoint, { headers, body }: OutgoingRequest): Promise<Answer> => {
    const { events } = decodeHttp(headers, body && Buffer.from(body))
    const [event] = events
    if (event === undefined) throw new EventingError({ code: 'INTERNAL' }, 'a source posts one event at a time')
    const request = { n: requests.length + 1, url: endpoint.url, headers: byName(headers), event }
    requests.push(request)
    const given = ingress.respond(request)
    if (given === 'hang') {
      const problem = `no complete answer within ${endpoint.timeoutMs} ms`
      return new Promise((resolve) => clock?.after(endpoint.timeoutMs, () => resolve({ kind: 'timeout', problem })))
    }
    if (given === 'unreachable') return { kind: 'unreachable', problem: 'connect ECONNREFUSED' }
    const { status, retryAfter, body: text = '' } = typeof given === 'number' ? { status: given } : given
    if (status < 300) stored.push(event)
    const answered = { status, headers: [], body: Buffer.from(text), bodyBytes: text.length }
    return { kind: 'response', ...answered, isCloudEvent: false, retryAfter, isCut: false }
  }

  const ingress: FakeIngress = {
    sender: { post, adopt() {}, forget() {} },
    requests,
    stored,
    respond: () => 202,
  }
  return ingress
}

function byName(flat: readonly string[]): Record<string, string> {
  const named: Record<string, string> = {}
  for (let i = 0; i + 1 < flat.length; i += 2) named[flat[i] as string] = flat[i + 1] as string
  return named
}
