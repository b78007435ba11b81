import { fastify } from 'fastify'

export interface KeptHook {
  id: number
  active: boolean
  events: string[]
  config: { url: string; content_type: string; insecure_ssl: string; secret?: string }
}

export interface Call {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
}

/** The part of GitHub's REST API that hooks need, in memory, behind real HTTP. */
export async function startGitHubApi() {
  const hooks = new Map<string, KeptHook[]>()
  const calls: Call[] = []
  let next = 1
  const app = fastify({ logger: false })
  const api = {
    url: '',
    /** By place, such as `/repos/o/r/hooks`; a place that is not here is 404. */
    hooks,
    calls,
    /** Answers instead, as long as it answers something. */
    instead: (_call: Call): { status: number; body?: object; headers?: Record<string, string> } | undefined =>
      undefined,
    [Symbol.asyncDispose]: () => app.close(),
  }
  const told = (hook: KeptHook) => ({ ...hook, config: { ...hook.config, secret: '********' } })
  app.addHook('onRequest', async (request, reply) => {
    const call = { method: request.method, path: request.url, authorization: request.headers.authorization }
    calls.push(call)
    const instead = api.instead(call)
    if (instead)
      await reply
        .code(instead.status)
        .headers(instead.headers ?? {})
        .send(instead.body ?? {})
  })
  app.all('/*', async (request, reply) => {
    const [, place = '', id] = /^(\/.*\/hooks)(?:\/(\d+))?(?:\?.*)?$/.exec(request.url) ?? []
    const there = hooks.get(place)
    const hook = there?.find((one) => String(one.id) === id)
    if (there === undefined || (id !== undefined && hook === undefined))
      return reply.code(404).send({ message: 'Not Found' })
    if (request.method === 'GET') {
      const { page, per_page: size } = request.query as { page: string; per_page: string }
      return there.slice((Number(page) - 1) * Number(size), Number(page) * Number(size)).map(told)
    }
    if (request.method === 'POST') {
      const made = { ...(request.body as KeptHook), id: next++ }
      if (there.some(({ config }) => config.url === made.config.url)) {
        const errors = [{ message: 'Hook already exists on this repository' }]
        return reply.code(422).send({ message: 'Validation Failed', errors })
      }
      there.push(made)
      return reply.code(201).send(told(made))
    }
    if (hook && request.method === 'PATCH') return told(Object.assign(hook, request.body as KeptHook))
    there.splice(there.indexOf(hook as KeptHook), 1)
    return reply.code(204).send()
  })
  api.url = await app.listen({ host: '127.0.0.1', port: 0 })
  return api
}
