import type { HeldSource, PingSourceRow } from '@sluice/contract'
import { z } from 'zod'

/** How far a source has come, kept with its object. */
export interface Progress {
  /** The last tick that is done, or where the schedule began; ms since the epoch. */
  readonly done: number
  /** Until when somebody ran the source while a tick waited. */
  readonly awake: number
  /** Of the schedule and time zone that `done` is a tick of. */
  readonly schedule: string
  readonly timezone: string
}

const KEY = 'progress'

const progress = z.object({ done: z.int(), awake: z.int(), schedule: z.string(), timezone: z.string() })

/** Undefined: the source begins. What can't be read is no progress. */
export async function loadProgress(state: HeldSource['state']): Promise<Progress | undefined> {
  const text = await state.get(KEY)
  return text === undefined ? undefined : progress.safeParse(parsed(text)).data
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function saveProgress(
  state: HeldSource['state'],
  { schedule, timezone }: PingSourceRow,
  at: Pick<Progress, 'done' | 'awake'>,
): Promise<void> {
  return state.put({ [KEY]: JSON.stringify({ ...at, schedule, timezone }) })
}
