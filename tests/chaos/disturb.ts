import { setTimeout as wait } from 'node:timers/promises'
import type { Blow, Part } from './layouts/layout.ts'
import type { Random } from './random.ts'
import type { Disturbance } from './scenario/verdict.ts'

/** Of a hundred. */
const BLOWS: readonly (readonly [Blow, number])[] = [
  ['killed', 60],
  ['killed twice', 15],
  ['stopped', 10],
  ['paused', 15],
]
const CALM_MS = { from: 800, to: 3_500 }
const DOWN_MS = { from: 0, to: 1_200 }
const DOOMED_MS = { from: 30, to: 900 }
const PAUSED_MS = { from: 200, to: 1_500 }

/** One blow: what the seed says about it. */
interface Planned {
  readonly blow: Blow
  readonly calmMs: number
  readonly downMs: number
  readonly doomedMs: number
  readonly pausedMs: number
}

function nextOf(random: Random): Planned {
  const between = ({ from, to }: { from: number; to: number }) => random.between(from, to)
  const [calmMs, downMs, doomedMs, pausedMs] = [CALM_MS, DOWN_MS, DOOMED_MS, PAUSED_MS].map(between)
  let drawn = random.between(1, 100)
  const blow = BLOWS.find(([, share]) => {
    drawn -= share
    return drawn <= 0
  })?.[0]
  return { blow: blow ?? 'killed', calmMs, downMs, doomedMs, pausedMs } as Planned
}

function pick(parts: readonly Part[], random: Random): Part {
  let drawn = random.between(
    1,
    parts.reduce((sum, { weight }) => sum + weight, 0),
  )
  return parts.find(({ weight }) => {
    drawn -= weight
    return drawn <= 0
  }) as Part
}

/** Hits one part after the other until the signal, each back before the next is hit. Which, how and when is the seed's. */
export async function disturb(
  parts: readonly Part[],
  { random, signal, told }: { random: Random; signal: AbortSignal; told: (disturbance: Disturbance) => void },
): Promise<void> {
  while (!signal.aborted) {
    const part = pick(parts, random)
    const planned = nextOf(random)
    await wait(planned.calmMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    const at = performance.now()
    await hit(part, planned)
    told({
      what: `${part.name} ${planned.blow}`,
      ...{ at, upAt: performance.now() },
      isOrderly: !part.repeatsAfter.includes(planned.blow),
      uncommittedMs: part.uncommittedMs,
    })
  }
}

async function hit(part: Part, { blow, downMs, doomedMs, pausedMs }: Planned): Promise<void> {
  if (blow === 'paused') {
    part.signal('SIGSTOP')
    await wait(pausedMs)
    return part.signal('SIGCONT')
  }
  await part.kill(blow === 'stopped' ? 'SIGTERM' : 'SIGKILL')
  await wait(downMs)
  if (blow === 'killed twice') await part.startDoomed(doomedMs)
  await part.start()
}
