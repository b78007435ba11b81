import { readSchedule, timezoneProblem } from '@sluice/cron'
import { shown } from './problem.ts'

export const DEFAULT_SCHEDULE = '* * * * *'

/** Empty is the default, as in Knative. */
export function scheduleProblem(text: string): string | undefined {
  const read = readSchedule(text.trim() === '' ? DEFAULT_SCHEDULE : text)
  if ('problem' in read) return read.problem
  return read.timezone === undefined ? undefined : timezoneProblem(read.timezone)
}

/** Empty is the default, UTC. */
export function timezoneProblemOf(text: string): string | undefined {
  return text === '' ? undefined : timezoneProblem(text)
}

/** Data of the type application/json must be an object. Source: knative/eventing pkg/apis/sources/v1/ping_validation.go. */
export function dataProblem(given: {
  readonly contentType?: string | undefined
  readonly data?: string | undefined
  readonly dataBase64?: string | undefined
}): { readonly field: 'data' | 'dataBase64'; readonly problem: string } | undefined {
  const { contentType, data, dataBase64 } = given
  if (contentType !== 'application/json') return undefined
  const field = data ? 'data' : 'dataBase64'
  const text = data || (dataBase64 && Buffer.from(dataBase64, 'base64').toString('utf8'))
  if (!text) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && !Array.isArray(value)) return undefined
  } catch {}
  return { field, problem: `must be a JSON object, as contentType is ${shown(contentType)}` }
}
