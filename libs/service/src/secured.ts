import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { EventingError } from '@sluice/errors'
import type { ControlAccess } from './control-access.ts'

const TLS_HANDSHAKE = 0x16
const HANDSHAKE_MS = 5_000

/**
 * Makes the server speak TLS to who begins with a handshake, on the port where it speaks HTTP to everybody else: probes
 * keep working as they are. Throws CONFIG_INVALID for a certificate that can't be used.
 */
export function secured(server: Server, { certificate: cert, key }: Omit<ControlAccess, 'token'>): void {
  const secureContext = secureContextOf(cert, key)
  const [serve] = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const giveUp = () => socket.destroy()
    socket.setTimeout(HANDSHAKE_MS, giveUp)
    socket.on('error', giveUp)
    socket.on('end', giveUp)
    socket.once('data', (first: Buffer) => {
      socket.pause()
      socket.unshift(first)
      const begin = (ready: Socket) => {
        socket.setTimeout(0)
        socket.off('timeout', giveUp)
        socket.off('end', giveUp)
        serve?.call(server, ready)
      }
      if (first[0] !== TLS_HANDSHAKE) {
        begin(socket)
        process.nextTick(() => socket.resume())
        return
      }
      const secure = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] })
      secure.on('error', giveUp)
      secure.once('secure', () => begin(secure))
    })
  })
}

function secureContextOf(cert: string, key: string) {
  try {
    return createSecureContext({ cert, key, minVersion: 'TLSv1.2' })
  } catch (error) {
    const problems = ["the control port's certificate or its key can't be used"]
    throw new EventingError({ code: 'CONFIG_INVALID', problems }, problems.join(''), { cause: error })
  }
}
