import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '@sluice/clock'
import type { Registry } from '../registry.ts'
import { refused } from '../store/refusals.ts'
import { type Accepted, accepted } from './accept.ts'
import { type Answer, send } from './answer.ts'
import type { Authorize } from './authorize.ts'
import { mediaType, parsed } from './body.ts'
import { MAX_WATCHES, VERSION, WATCH_SECONDS } from './config.ts'
import type { Discovery } from './discovery.ts'
import { Encoder } from './encode.ts'
import type { ResourceApiTelemetry } from './events.ts'
import { type OpenApi, SWAGGER_PROTOBUF } from './openapi.ts'
import { Query, watchOptions } from './query.ts'
import { REVIEWS, reviewed } from './review.ts'
import { shownObject } from './show.ts'
import { noSuchPath, statusOf } from './status.ts'
import { segmentsOf, type Target, targetOf } from './target.ts'
import { accessTo, answerVerb, shownAs, type VerbRequest, verbOf } from './verbs.ts'
import { type OpenWatch, streamWatch } from './watch.ts'

export interface HandlerDeps {
  readonly registry: Registry
  readonly authorize: Authorize
  readonly clock: Clock
  readonly telemetry: ResourceApiTelemetry
  readonly discovery: Discovery
  readonly openApi: OpenApi
}

/** The API behind one function; disposing ends the watches and begins no more. */
export class Handler implements Disposable {
  readonly #deps: HandlerDeps
  readonly #encoder = new Encoder()
  readonly #watches = new Set<OpenWatch>()
  #isClosed = false

  constructor(deps: HandlerDeps) {
    this.#deps = deps
  }

  get watches(): number {
    return this.#watches.size
  }

  /** Answers, whatever comes; never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse, body: Buffer | undefined): Promise<void> {
    let label = 'other'
    try {
      const { method = 'GET', url = '/', headers } = request
      const [path = '', search = ''] = split(url)
      const query = new Query(search)
      const parts = segmentsOf(path)
      const fixed = this.#fixed(parts, { method, headers, query, body })
      if (fixed !== undefined) return await this.#send(request, response, fixed, label)
      const target = this.#target(parts)
      const asked = { method, target, query, headers, body }
      const isWatch = method === 'GET' && query.isSet('watch') === true && target.subresource === undefined
      label = isWatch ? 'watch' : verbOf(asked)
      this.#authorize(target, label)
      if (isWatch) this.#watch(response, asked)
      else await this.#send(request, response, await answerVerb(this.#verbDeps, asked), label)
    } catch (error) {
      await this.refuse(request, response, error, label)
    }
  }

  /** Answers with the Status of an error. */
  async refuse(request: IncomingMessage, response: ServerResponse, error: unknown, label = 'other'): Promise<void> {
    const status = statusOf(error, this.#deps.telemetry.log)
    const seconds = status.details?.retryAfterSeconds
    const headers = seconds === undefined ? {} : { 'retry-after': String(seconds) }
    if (response.headersSent) response.destroy()
    else await this.#send(request, response, { status: status.code, body: status, headers }, label)
  }

  get #verbDeps() {
    const { registry, authorize, clock } = this.#deps
    return { registry, authorize, encoder: this.#encoder, now: () => clock.now() }
  }

  async #send(request: IncomingMessage, response: ServerResponse, answer: Answer, verb: string): Promise<void> {
    this.#deps.telemetry.requests.add(1, { verb, status: answer.status })
    const encoding = request.headers['accept-encoding']
    await send(response, answer, { method: request.method, acceptEncoding: [encoding].flat().join(',') })
  }

  /** Documents, which are the same for everybody, and reviews. */
  #fixed(parts: readonly string[], asked: Omit<VerbRequest, 'target'>): Answer | undefined {
    const [root, ...rest] = parts
    const path = parts.join('/')
    const review = root === 'apis' && rest.length === 3 ? REVIEWS.find(({ plural }) => plural === rest[2]) : undefined
    if (review !== undefined && rest[0] === review.group && rest[1] === review.version)
      return this.#reviewed(review.plural, asked)
    const isDiscovery = (root === 'api' && rest.length < 2) || (root === 'apis' && rest.length < 3)
    const answer = isDiscovery ? this.#discovered(path, asked.headers.accept) : this.#described(root, rest, asked)
    if (answer !== undefined && asked.method !== 'GET' && asked.method !== 'HEAD')
      throw refused('MethodNotAllowed', 'the server does not allow this method on the requested resource')
    return answer
  }

  #discovered(path: string, accept: string | undefined): Answer | undefined {
    const { discovery } = this.#deps
    const isRoot = path === 'api' || path === 'apis'
    const { form, version }: Accepted = accepted(accept, isRoot ? ['json', 'APIGroupDiscoveryList'] : ['json'])
    if (form === 'APIGroupDiscoveryList' && isRoot) {
      const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`
      return { status: 200, body: discovery.aggregated(path, version), type }
    }
    const body = discovery.document(path)
    if (body === undefined) throw noSuchPath()
    return { status: 200, body }
  }

  #described(root: string | undefined, rest: readonly string[], { headers }: Omit<VerbRequest, 'target'>) {
    const { openApi } = this.#deps
    if (root === 'version' && rest.length === 0) return { status: 200, body: VERSION }
    if (root !== 'openapi') return undefined
    if (rest.join('/') === 'v2' && headers.accept?.includes(SWAGGER_PROTOBUF.asked))
      return { status: 200, body: openApi.v2Protobuf, type: SWAGGER_PROTOBUF.answered }
    accepted(headers.accept, ['json'])
    if (rest.join('/') === 'v3') return { status: 200, body: openApi.index }
    if (rest.join('/') === 'v2') return { status: 200, body: openApi.v2() }
    const document = rest[0] === 'v3' ? openApi.v3(rest.slice(1).join('/')) : undefined
    if (document === undefined) throw noSuchPath()
    const etag = `"${document.hash}"`
    if (headers['if-none-match'] === etag) return { status: 304, body: '', headers: { etag } }
    return { status: 200, body: document.json, headers: { etag } }
  }

  #reviewed(plural: string, { method, body, headers }: Omit<VerbRequest, 'target'>): Answer {
    if (method !== 'POST') throw refused('MethodNotAllowed', `${plural} can only be created`)
    const type = mediaType(headers['content-type'])
    return { status: 201, body: reviewed(plural, parsed(body, type), this.#deps.authorize) ?? {} }
  }

  #target([root, ...rest]: readonly string[]): Target {
    const { table } = this.#deps.registry
    if (root === 'api' && rest.length > 1) return targetOf(table, rest[0] as string, rest.slice(1))
    if (root === 'apis' && rest.length > 2) return targetOf(table, `${rest[0]}/${rest[1]}`, rest.slice(2))
    throw noSuchPath()
  }

  #authorize(target: Target, verb: string): void {
    const access = { ...accessTo(target), verb }
    const reason = this.#deps.authorize(access)
    if (reason === undefined) return
    const { group, resource, name, namespace } = access
    const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
    const message = `${resource}${group && `.${group}`}${name === undefined ? '' : ` "${name}"`} is forbidden: cannot ${verb} ${where}: ${reason}`
    throw refused('Forbidden', message, {
      ...(group && { group }),
      kind: resource,
      ...(name !== undefined && { name }),
    })
  }

  #watch(response: ServerResponse, { target, query, headers }: VerbRequest): void {
    const { registry, clock, telemetry } = this.#deps
    const { served, namespace, name } = target
    if (this.#isClosed) throw refused('ServiceUnavailable', 'the server is stopping', { retryAfterSeconds: 1 })
    if (this.#watches.size >= MAX_WATCHES)
      throw refused('TooManyRequests', `${MAX_WATCHES} watches are open, which is as many as may be`, {
        retryAfterSeconds: 1,
      })
    const shown = shownAs({ headers, query })
    const options = watchOptions(query, namespace, name)
    const verbDeps = this.#verbDeps
    const watch = streamWatch(response, {
      clock,
      watch: (on) => registry.watch(served, options, on),
      encode: ({ type, object }, isFirst) =>
        type === 'ERROR' ? JSON.stringify(object) : shownObject(verbDeps, served, object, shown, isFirst),
      timeoutMs: (query.count('timeoutSeconds') || WATCH_SECONDS) * 1_000,
      type: 'application/json',
      onCut(error) {
        const resource = served.kind.plural
        if (error === undefined) telemetry.log.warn({ resource }, 'a watch was cut: its client reads too slowly')
        else telemetry.log.error({ resource, error }, 'a watch was cut: an object can not be shown')
      },
    })
    telemetry.requests.add(1, { verb: 'watch', status: 200 })
    this.#watches.add(watch)
    void watch.ended.then(() => this.#watches.delete(watch))
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    for (const watch of this.#watches) watch[Symbol.dispose]()
  }
}

function split(url: string): readonly [path: string, search: string] {
  const at = url.indexOf('?')
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
}
