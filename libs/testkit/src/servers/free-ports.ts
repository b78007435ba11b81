import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** Of 127.0.0.1, on which nobody listens; different ones, since each is held until all are known. */
export async function freePorts(count: number): Promise<number[]> {
  const held = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(held.map((server) => once(server, 'listening')))
  const ports = held.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(held.map((server) => once(server.close(), 'close')))
  return ports
}
