import { readdirSync, readFileSync } from 'node:fs'

const TRIES = 1_000
const LOOK_MS = 5

/** Resolves once every thread has stopped: a signal is on its way for as long as the machine is busy otherwise. */
export async function stopped(pid: number): Promise<void> {
  for (let tries = 0; tries < TRIES && !isStopped(pid); tries++)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
}

function isStopped(pid: number): boolean {
  if (process.platform !== 'linux') return true
  const tasks = `/proc/${pid}/task`
  return readdirSync(tasks).every((task) => /^State:\s+[Tt]/m.test(statusOf(`${tasks}/${task}/status`)))
}

/** A thread that ended meanwhile does nothing any more. */
function statusOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return 'State:\tT'
  }
}
