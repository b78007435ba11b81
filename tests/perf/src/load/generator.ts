// Run as a process of its own: takes one job at a time over IPC and answers its measure.
import { connect } from 'node:net'
import { Connection } from './connection.ts'
import type { Job, Measure } from './job.ts'
import { percentiles } from './latencies.ts'
import { monotonicMs } from './monotonic.ts'
import { makePace } from './pace.ts'
import './program.ts'
import { jsonBody, requestHead } from './request.ts'
import { cpuUs, machineBusyUs, rssMb } from './usage.ts'

const STRING_BODY_BYTES = 65_536

/** Reads the sink's reports: one float of eight bytes per arrival. */
function watchFeed(port: number, onArrival: (latencyMs: number) => void): Disposable {
  let rest: Buffer = Buffer.alloc(0)
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const whole = bytes.length - (bytes.length % 8)
    for (let at = 0; at < whole; at += 8) onArrival(bytes.readDoubleLE(at))
    rest = bytes.subarray(whole)
  })
  return { [Symbol.dispose]: () => socket.destroy() }
}

async function run(job: Job): Promise<Measure> {
  const pace = makePace(job.pacing)
  const head = requestHead(job)
  const text = jsonBody(job.bodyBytes)
  const body = job.bodyBytes > STRING_BODY_BYTES ? Buffer.from(text) : text
  const prefix = `${process.pid.toString(36)}-${Date.now().toString(36)}-`
  const counts = { sent: 0, accepted: 0, arrived: 0, errors: 0 }
  let ack: number[] = []
  let arrival: number[] = []
  let isSending = true
  const through = () => (job.feedPort === undefined ? counts.accepted : counts.arrived)

  const idle: Connection[] = []
  const pump = () => {
    while (isSending && idle.length > 0) {
      const scheduled = pace.next()
      if (scheduled === undefined) return
      const connection = idle.pop() as Connection
      connection.sentAt = scheduled
      connection.send(head(prefix + counts.sent++, scheduled), body)
    }
  }
  const onAnswer = (connection: Connection, status: number) => {
    idle.push(connection)
    if (status === 202) {
      counts.accepted += 1
      ack.push(monotonicMs() - connection.sentAt)
    } else {
      counts.errors += 1
      pace.ended()
    }
    pump()
  }
  const { hostname: host, port } = new URL(job.url)
  const connections = Array.from(
    { length: job.pacing.kind === 'watch' ? 0 : job.connections },
    () => new Connection({ host, port: Number(port), onAnswer }),
  )
  idle.push(...connections)
  const onArrival = (latencyMs: number) => {
    counts.arrived += 1
    arrival.push(latencyMs)
    pace.ended()
    pump()
  }
  using _feed = job.feedPort === undefined ? undefined : watchFeed(job.feedPort, onArrival)
  const ticks = setInterval(pump, 1)

  const enough = () => job.events !== undefined && through() >= job.events
  const until = async (ms: number) => {
    const end = monotonicMs() + ms
    while (monotonicMs() < end && !enough()) {
      await new Promise((next) => setTimeout(next, Math.min(50, Math.max(1, end - monotonicMs()))))
    }
  }
  await until(job.warmupMs)
  ack = []
  arrival = []
  const before = { at: monotonicMs(), through: through(), errors: counts.errors, ...usage(job) }
  await until(job.measureMs)
  const seconds = (monotonicMs() - before.at) / 1e3
  const after = usage(job)
  const events = through() - before.through
  const measure: Measure = {
    rate: events / seconds,
    cpuUs: (after.cpu - before.cpu) / events,
    partsUs: Object.fromEntries(
      Object.entries(after.parts).map(([role, cpu]) => [role, (cpu - (before.parts[role] ?? 0)) / events]),
    ),
    generatorUs: (after.own - before.own) / events,
    ack: percentiles(ack),
    arrival: percentiles(arrival),
    events,
    errors: counts.errors - before.errors,
    rssMb: rssMb(job.pid),
    others: Math.max(0, (after.others - before.others) / 1e6 / seconds),
  }
  isSending = false
  clearInterval(ticks)
  // What is out may still be answered, so that the next job starts on a quiet server.
  for (let look = 0; look < 100 && idle.length < connections.length; look += 1) {
    await new Promise((next) => setTimeout(next, 10))
  }
  for (const connection of connections) connection.close()
  return measure
}

interface Usage {
  readonly cpu: number
  readonly parts: Readonly<Record<string, number>>
  readonly own: number
  readonly others: number
}

function usage({ pid, parts: roles = { all: [pid] }, sinkPid }: Job): Usage {
  const parts = Object.fromEntries(
    Object.entries(roles).map(([role, pids]) => [role, pids.reduce((sum, each) => sum + cpuUs(each), 0)]),
  )
  const cpu = Object.values(parts).reduce((sum, each) => sum + each, 0)
  const { user, system } = process.cpuUsage()
  const own = user + system
  return { cpu, parts, own, others: machineBusyUs() - cpu - own - (sinkPid === pid ? 0 : cpuUs(sinkPid)) }
}

process.on('message', (job: Job) => {
  run(job).then(
    (measure) => process.send?.({ measure }),
    (error: unknown) => process.send?.({ problem: error instanceof Error ? error.message : String(error) }),
  )
})
process.send?.({ ready: true })
