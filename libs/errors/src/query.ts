import { EventingError } from './eventing-error.ts'

/** Throws QUERY_INVALID for a parameter that is none of `known`, and for one that is given twice. */
export function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const name of new Set(query.keys())) {
    if (!known.includes(name)) throw queryInvalid(name, `is not a parameter: there are ${known.join(', ') || 'none'}`)
    if (query.getAll(name).length > 1) throw queryInvalid(name, 'is given twice')
  }
}

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000

/** How many of a list are asked for, by `limit`: 1 to 1,000, 100 unless said. Throws QUERY_INVALID. */
export function limitOf(query: URLSearchParams): number {
  const limit = query.get('limit') ?? String(DEFAULT_LIMIT)
  if (/^\d{1,9}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= MAX_LIMIT) return Number(limit)
  throw queryInvalid('limit', `must be a whole number from 1 to ${MAX_LIMIT}`)
}

export function queryInvalid(parameter: string, problem: string): EventingError {
  return new EventingError({ code: 'QUERY_INVALID', parameter, problem }, `${parameter.slice(0, 60)} ${problem}`)
}
