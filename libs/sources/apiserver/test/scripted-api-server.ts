import type { Clock } from '@sluice/clock'
import type { Transport } from '@sluice/kubernetes'
import type { ApiObject } from '@sluice/resources/api'

export interface Happening {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: ApiObject
}

/** What befalls the next requests; each is used up by one. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'unreachable' }
  /** A list or watch that breaks off after so many characters, mostly in the middle of a line. */
  | { readonly kind: 'cut'; readonly after: number }
  /** A watch that is open and never says anything. */
  | { readonly kind: 'stall' }
  /** A watch that tells the last of the past once more. */
  | { readonly kind: 'replay'; readonly count: number }

/** An API server in memory that keeps the rules of Kubernetes' lists and watches, and breaks off when it is told to. */
export class ScriptedApiServer {
  readonly faults: Fault[] = []
  readonly happened: Happening[] = []
  /** Requests, without the parameters. */
  readonly requests: string[] = []
  readonly tokens: string[] = []
  /** `verb resource namespace`, the last empty for all. */
  readonly denied = new Set<string>()
  /** History that is gone is told as an answer, else as an ERROR of the watch. */
  saysGoneAtOnce = true
  /** Watches end at once, in order, and say nothing. */
  hasEmptyWatches = false
  hasServiceAccounts = true
  resources = [
    { name: 'pods', kind: 'Pod', namespaced: true, verbs: ['list', 'watch'] },
    { name: 'gateways', kind: 'Gateway', namespaced: true, verbs: ['list', 'watch'] },
    { name: 'nodes', kind: 'Node', namespaced: false, verbs: ['list', 'watch'] },
    { name: 'secrets', kind: 'Secret', namespaced: true, verbs: ['list', 'watch'] },
  ]
  readonly #clock: Clock
  readonly #objects = new Map<string, ApiObject>()
  readonly #watches = new Set<(happening: Happening | undefined) => void>()
  #version = 100
  #uid = 0
  #oldest = 100

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get version(): number {
    return this.#version
  }

  get watches(): number {
    return this.#watches.size
  }

  objects(): readonly ApiObject[] {
    return [...this.#objects.values()]
  }

  /** Makes it, or changes it. */
  put(
    namespace: string,
    name: string,
    more: { readonly labels?: object; readonly owner?: object; readonly fields?: object } = {},
  ) {
    const key = `${namespace}/${name}`
    const before = this.#objects.get(key)
    const object: ApiObject = {
      ...{ apiVersion: 'v1', kind: 'Pod' },
      metadata: {
        ...{ name, ...(namespace && { namespace }), uid: before?.metadata.uid ?? `uid-${++this.#uid}` },
        ...{ resourceVersion: String(++this.#version), labels: more.labels ?? {} },
        creationTimestamp: before?.metadata.creationTimestamp ?? seconds(this.#clock.now()),
        ...(more.owner && { ownerReferences: [more.owner] }),
      },
      ...more.fields,
    }
    this.#objects.set(key, object)
    this.#tell({ version: this.#version, type: before ? 'MODIFIED' : 'ADDED', object })
  }

  remove(namespace: string, name: string) {
    const key = `${namespace}/${name}`
    const before = this.#objects.get(key)
    if (before === undefined) return
    this.#objects.delete(key)
    const metadata = { ...before.metadata, resourceVersion: String(++this.#version) }
    this.#tell({ version: this.#version, type: 'DELETED', object: { ...before, metadata } })
  }

  /** Everything up to now is forgotten; watches that are open go on. */
  compact() {
    this.#oldest = this.#version
  }

  /** Ends every watch, in the middle of whatever it says. */
  cut() {
    for (const watch of [...this.#watches]) watch(undefined)
  }

  readonly transport: Transport = async (path, init) => {
    const url = new URL(path, 'http://api')
    const { pathname, searchParams } = url
    this.requests.push(`${init.method} ${pathname}`)
    const fault = pathname.endsWith('s') && !pathname.endsWith('reviews') ? this.faults.shift() : undefined
    if (fault?.kind === 'unreachable') throw new TypeError('fetch failed')
    if (fault?.kind === 'status') return status(fault.status)
    if (pathname === '/version')
      return new Response('{}', { headers: { date: new Date(this.#clock.now()).toUTCString() } })
    if (pathname === '/api/v1') return Response.json({ resources: [...this.resources, ...this.#tokenResource()] })
    if (pathname.startsWith('/apis/authorization')) return this.#review(String(init.body))
    if (pathname.endsWith('/token')) return this.#token(pathname)
    const [, namespace, resource] = /^\/api\/v1\/(?:namespaces\/([^/]+)\/)?([a-z]+)$/.exec(pathname) ?? []
    if (!this.resources.some(({ name }) => name === resource)) return status(404)
    for (const verb of [searchParams.has('watch') ? 'watch' : 'list'])
      if (this.denied.has(`${verb} ${resource} ${namespace ?? ''}`)) return status(403)
    const cut = fault?.kind === 'cut' ? fault.after : undefined
    const selected = selection(namespace, searchParams.get('labelSelector'))
    return searchParams.has('watch')
      ? this.#watch(searchParams, selected, init.signal ?? undefined, fault)
      : this.#list(searchParams, selected, cut)
  }

  #tokenResource() {
    return this.hasServiceAccounts
      ? [{ name: 'serviceaccounts/token', kind: 'TokenRequest', namespaced: true, verbs: ['create'] }]
      : []
  }

  #review(body: string): Response {
    const { resourceAttributes } = JSON.parse(body).spec
    const { verb, resource, namespace = '' } = resourceAttributes
    return Response.json({ status: { allowed: !this.denied.has(`${verb} ${resource} ${namespace}`) } }, { status: 201 })
  }

  #token(path: string): Response {
    if (path.includes('/missing/')) return status(404)
    this.tokens.push(`token-${this.tokens.length + 1}`)
    return Response.json({ spec: { expirationSeconds: 3_600 }, status: { token: this.tokens.at(-1) } }, { status: 201 })
  }

  /** A page is of the moment of the first one, as long as that is in the history. */
  #list(query: URLSearchParams, isSelected: (object: ApiObject) => boolean, cut: number | undefined): Response {
    const [of = '', behind = ''] = (query.get('continue') ?? '').split(' ')
    const version = of === '' ? this.#version : Number(of)
    if (version < this.#oldest) return status(410)
    const then = this.#at(version).filter(isSelected)
    const rest = then.filter(({ metadata }) => `${metadata.namespace}/${metadata.name}` > behind)
    const page = rest.slice(0, Number(query.get('limit') ?? 500))
    const last = page.at(-1)?.metadata
    const more = page.length < rest.length ? { continue: `${version} ${last?.namespace}/${last?.name}` } : {}
    const items = page.map(({ apiVersion: _, kind: __, ...item }) => item)
    const text = JSON.stringify({ metadata: { resourceVersion: String(version), ...more }, items })
    return new Response(cut === undefined ? text : text.slice(0, cut % text.length))
  }

  /** What there was then, in the order of names. */
  #at(version: number): readonly ApiObject[] {
    const then = new Map(this.#objects)
    for (const { version: its, type, object } of this.happened.toReversed()) {
      if (its <= version) break
      const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`
      const before = this.happened.findLast(
        (each) => each.version < its && `${each.object.metadata.namespace ?? ''}/${each.object.metadata.name}` === key,
      )
      if (type === 'ADDED' || before === undefined) then.delete(key)
      else then.set(key, before.object)
    }
    return [...then].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
  }

  #watch(
    query: URLSearchParams,
    isSelected: (object: ApiObject) => boolean,
    signal: AbortSignal | undefined,
    fault: Fault | undefined,
  ): Response {
    const version = Number(query.get('resourceVersion'))
    if (this.hasEmptyWatches) return new Response('')
    if (version > this.#version) return status(504, 'Too large resource version')
    const isGone = version < this.#oldest
    if (isGone && this.saysGoneAtOnce) return status(410)
    let left = fault?.kind === 'cut' ? fault.after : Number.POSITIVE_INFINITY
    const encoder = new TextEncoder()
    let cancel = () => {}
    return new Response(
      new ReadableStream({
        cancel: () => cancel(),
        start: (controller) => {
          const end = (error?: Error) => {
            this.#watches.delete(on)
            timeout[Symbol.dispose]()
            if (error === undefined) controller.close()
            else controller.error(error)
          }
          const say = (line: object) => {
            const text = `${JSON.stringify(line)}\n`
            controller.enqueue(encoder.encode(text.slice(0, left)))
            left -= text.length
            if (left <= 0) end(new TypeError('terminated'))
          }
          const on = (happening: Happening | undefined) => {
            if (happening === undefined) end(new TypeError('terminated'))
            else if (fault?.kind !== 'stall')
              for (const line of linesOf(happening, isSelected, this.happened)) if (left > 0) say(line)
          }
          const timeout = this.#clock.after(
            fault?.kind === 'stall' ? 3_600_000 : Number(query.get('timeoutSeconds')) * 1_000,
            () => {
              say({
                type: 'BOOKMARK',
                object: { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: String(this.#version) } },
              })
              if (left > 0) end()
            },
          )
          signal?.addEventListener('abort', () => {
            if (this.#watches.has(on)) end(signal.reason)
          })
          this.#watches.add(on)
          cancel = () => {
            this.#watches.delete(on)
            timeout[Symbol.dispose]()
          }
          if (isGone) {
            say({
              type: 'ERROR',
              object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' },
            })
            if (left > 0) end()
            return
          }
          const past = this.happened.filter((each) => each.version > version)
          const again =
            fault?.kind === 'replay' ? this.happened.filter((each) => each.version <= version).slice(-fault.count) : []
          for (const happening of [...again, ...past]) if (this.#watches.has(on)) on(happening)
          if (fault?.kind === 'replay' && this.#watches.has(on))
            say({
              type: 'BOOKMARK',
              object: { metadata: { resourceVersion: String(Math.max(1, version - fault.count)) } },
            })
        },
      }),
    )
  }

  #tell(happening: Happening) {
    this.happened.push(happening)
    for (const watch of [...this.#watches]) watch(happening)
  }
}

/** An object that begins or ends to be selected is told as made or removed. Source: k8s.io/apiserver, cacher. */
function linesOf(
  { type, object, version }: Happening,
  isSelected: (object: ApiObject) => boolean,
  all: readonly Happening[],
) {
  const before = all.findLast(
    (each) => each.version < version && each.object.metadata.uid === object.metadata.uid,
  )?.object
  const was = type !== 'ADDED' && before !== undefined && isSelected(before)
  const is = type !== 'DELETED' && isSelected(object)
  if (is) return [{ type: was ? 'MODIFIED' : 'ADDED', object }]
  return was ? [{ type: 'DELETED', object }] : []
}

function selection(namespace: string | undefined, selector: string | null) {
  const [label, value] = (selector ?? '').split('=')
  return ({ metadata }: ApiObject) =>
    (namespace === undefined || metadata.namespace === namespace) &&
    (!label || (metadata.labels as Record<string, string>)[label] === value)
}

function status(code: number, message = `it is ${code}`): Response {
  return Response.json({ kind: 'Status', code, message, reason: 'Unknown' }, { status: code })
}

function seconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z/, 'Z')
}
