import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'

/** Listens on any free port of loopback and answers it. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Every program of the bench ends with the bench: its IPC channel closes, whatever happened to the other side. */
process.on('disconnect', () => process.exit(0))
