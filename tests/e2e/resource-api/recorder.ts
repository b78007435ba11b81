import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Recorded {
  readonly method: string
  readonly url: string
  readonly status: number
}

/** A proxy that remembers who asked for what, and what came of it. */
export interface Recorder extends AsyncDisposable {
  readonly url: string
  readonly requests: readonly Recorded[]
}

export async function startRecorder(target: string): Promise<Recorder> {
  const requests: Recorded[] = []
  const { hostname, port } = new URL(target)
  const server = createServer((incoming, response) => {
    const { method = '', url = '' } = incoming
    const headers = { ...incoming.headers, host: `${hostname}:${port}` }
    const forwarded = request({ hostname, port, method, path: url, headers }, (answer) => {
      const { statusCode: status = 0 } = answer
      requests.push({ method, url, status })
      response.writeHead(status, answer.headers)
      response.flushHeaders()
      answer.pipe(response)
      answer.on('close', () => response.end())
    })
    forwarded.on('error', () => response.destroy())
    response.on('close', () => forwarded.destroy())
    incoming.pipe(forwarded)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
