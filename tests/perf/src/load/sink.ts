// Run as a process of its own: a subscriber that answers 202 to everything, or nothing at all while it is told to hang,
// and reports the latency of each arrival over a second port. A hand-written parser keeps it off the scales.
import { createServer, type Socket } from 'node:net'
import { monotonicMs } from './monotonic.ts'
import { listen } from './program.ts'
import { SENT_HEADER } from './request.ts'

const ANSWER = Buffer.from('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n')
const watchers = new Set<Socket>()
let arrivals: number[] = []
let isHanging = false
let delayMs = 0

function arrived(head: string): void {
  const at = head.indexOf(SENT_HEADER)
  const sent = at < 0 ? Number.NaN : Number.parseFloat(head.slice(at + SENT_HEADER.length + 1, at + 32))
  if (arrivals.length === 0) setImmediate(report)
  arrivals.push(monotonicMs() - sent)
}

function report(): void {
  const bytes = Buffer.from(Float64Array.from(arrivals).buffer)
  arrivals = []
  for (const watcher of watchers) watcher.write(bytes)
}

function serve(socket: Socket): void {
  let head = ''
  let bodyLeft = 0
  socket.setNoDelay().on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    if (bodyLeft > 0) {
      bodyLeft -= chunk.length
    } else {
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
      // The clients under test know the length of what they send; anything else is a fault of the bench.
      if (length === undefined) return void socket.end('HTTP/1.1 411 Length Required\r\ncontent-length: 0\r\n\r\n')
      bodyLeft = end + 4 + Number(length) - head.length
    }
    if (bodyLeft > 0) return
    if (!isHanging) {
      arrived(head)
      if (delayMs === 0) socket.write(ANSWER)
      else setTimeout(() => socket.write(ANSWER), delayMs)
    }
    head = ''
    bodyLeft = 0
  })
}

const feed = createServer((watcher) => {
  watchers.add(watcher)
  watcher.setNoDelay().on('error', () => {})
  watcher.on('close', () => watchers.delete(watcher))
})
process.on('message', (message: { hang?: boolean; delayMs?: number }) => {
  isHanging = message.hang ?? isHanging
  delayMs = message.delayMs ?? delayMs
})
process.send?.({ port: await listen(createServer(serve)), feedPort: await listen(feed) })
