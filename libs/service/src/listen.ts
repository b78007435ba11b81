import type { Server } from 'node:net'
import { listenFailure } from '@sluice/errors'

/** Starts listening and answers the actual port (0 asks for any free one). Rejects with PORT_IN_USE, ADDRESS_UNUSABLE. */
export function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(listenFailure(error, host, port))
    server.once('error', fail)
    server.listen({ host, port }, () => {
      server.off('error', fail)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
