import './program.ts'
import { rssMb } from './usage.ts'

/** What a program measured of itself. */
export interface LoopFigures {
  readonly rate: number
  readonly cpuUs: number
  readonly rssMb: number
}

interface Order {
  readonly warmupMs: number
  readonly measureMs: number
}

/**
 * Run as a process of its own: at each order keeps `size` calls of `once` under way and answers rate and cost of the
 * events, of which a call does `perCall`.
 */
export function serveLoop(size: number, once: () => Promise<unknown>, perCall = 1): void {
  process.on('message', ({ warmupMs, measureMs }: Order) => {
    loop(size, once, perCall, warmupMs, measureMs).then(
      (figures) => process.send?.(figures),
      (error: unknown) => process.send?.({ problem: String(error) }),
    )
  })
  process.send?.({ port: 0 })
}

async function loop(
  size: number,
  once: () => Promise<unknown>,
  perCall: number,
  warmupMs: number,
  measureMs: number,
): Promise<LoopFigures> {
  let count = 0
  let isOver = false
  const worker = async () => {
    while (!isOver) {
      await once()
      count += perCall
    }
  }
  const workers = Promise.all(Array.from({ length: size }, worker))
  await Promise.race([workers, new Promise((resolve) => setTimeout(resolve, warmupMs))])
  const before = { count, at: performance.now(), cpu: process.cpuUsage() }
  await Promise.race([workers, new Promise((resolve) => setTimeout(resolve, measureMs))])
  const figures = since(before, count)
  isOver = true
  await workers
  return figures
}

/** From `before` to now, when `count` are done. */
export function since(
  before: { readonly count: number; readonly at: number; readonly cpu: NodeJS.CpuUsage },
  count: number,
): LoopFigures {
  const { user, system } = process.cpuUsage(before.cpu)
  const done = count - before.count
  return {
    rate: (done / (performance.now() - before.at)) * 1e3,
    cpuUs: (user + system) / done,
    rssMb: rssMb(process.pid),
  }
}
