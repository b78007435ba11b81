const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY

/** An age as kubectl prints it: `5s`, `3m20s`, `2d4h`. Source: k8s.io/apimachinery pkg/util/duration, HumanDuration. */
export function humanDuration(ms: number): string {
  if (ms < -SECOND) return '<invalid>'
  if (ms < 0) return '0s'
  if (ms < 2 * MINUTE) return `${whole(ms, SECOND)}s`
  if (ms < 10 * MINUTE) return both(ms, [MINUTE, 'm'], [SECOND, 's'])
  if (ms < 3 * HOUR) return `${whole(ms, MINUTE)}m`
  if (ms < 8 * HOUR) return both(ms, [HOUR, 'h'], [MINUTE, 'm'])
  if (ms < 2 * DAY) return `${whole(ms, HOUR)}h`
  if (ms < 8 * DAY) return both(ms, [DAY, 'd'], [HOUR, 'h'])
  if (ms < 2 * YEAR) return `${whole(ms, DAY)}d`
  if (ms < 8 * YEAR) return both(ms, [YEAR, 'y'], [DAY, 'd'])
  return `${whole(ms, YEAR)}y`
}

type Unit = readonly [ms: number, name: string]

function both(ms: number, [large, largeName]: Unit, [small, smallName]: Unit): string {
  const rest = whole(ms % large, small)
  return `${whole(ms, large)}${largeName}${rest === 0 ? '' : `${rest}${smallName}`}`
}

function whole(ms: number, unit: number): number {
  return Math.floor(ms / unit)
}
