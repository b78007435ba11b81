import { EventingError } from './eventing-error.ts'

/** Throws QUERY_INVALID for a parameter that is none of `known`, and for one that is given twice. */
export function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const name of new Set(query.keys())) {
    if (!known.includes(name)) throw queryInvalid(name, `is not a parameter: there are ${known.join(', ')}`)
    if (query.getAll(name).length > 1) throw queryInvalid(name, 'is given twice')
  }
}

export function queryInvalid(parameter: string, problem: string): EventingError {
  return new EventingError({ code: 'QUERY_INVALID', parameter, problem }, `${parameter.slice(0, 60)} ${problem}`)
}
