import { nearest } from '@sluice/errors'
import type { z } from 'zod'
import { shown } from './problem.ts'

/** One problem of an object, before it has a place in a file. */
export interface Finding {
  readonly path: readonly PropertyKey[]
  readonly at: 'key' | 'value'
  readonly problem: string
  /** Kubernetes' word for it, where it is not plainly an invalid value. */
  readonly reason?: string
}

/** The schema's issues in our words. `input` is what was judged, so that a message can say what was found. */
export function findings(error: z.ZodError, input: unknown): Finding[] {
  return error.issues.flatMap((issue) => findingsOf(issue, input))
}

function findingsOf(issue: z.core.$ZodIssue, input: unknown): Finding[] {
  const { path } = issue
  const found = valueAt(input, path)
  switch (issue.code) {
    case 'unrecognized_keys': {
      return issue.keys.map((key) => ({ path: [...path, key], at: 'key', problem: `is not a known field${hint(key)}` }))
    }
    case 'invalid_type':
      if (found === undefined || found === null)
        return [{ path, at: 'key', problem: 'is required', reason: 'FieldValueRequired' }]
      return [
        {
          path,
          at: 'value',
          reason: 'FieldValueTypeInvalid',
          problem: `must be ${A[issue.expected] ?? issue.expected}, found ${shown(found)}${quotes(issue.expected, found)}`,
        },
      ]
    case 'invalid_value':
      return [
        {
          ...{ path, at: 'value', reason: 'FieldValueNotSupported' },
          problem: `must be ${issue.values.map(shown).join(' or ')}, found ${shown(found)}`,
        },
      ]
    case 'too_small':
    case 'too_big':
      return [{ path, at: 'value', problem: boundOf(issue) }]
    case 'invalid_key':
      return issue.issues.map(({ message }) => ({ path, at: 'key', problem: message }))
    case 'custom':
      return [
        {
          ...{ path, at: issue.params?.at === 'key' ? 'key' : 'value', problem: issue.message },
          ...(typeof issue.params?.reason === 'string' && { reason: issue.params.reason }),
        },
      ]
    default:
      return [{ path, at: 'value', problem: issue.message }]
  }
}

function boundOf(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const bound = issue.code === 'too_small' ? `must be at least ${issue.minimum}` : `must be at most ${issue.maximum}`
  const unit = { string: ' characters long', array: ' items' }[issue.origin as string]
  return `${bound}${unit ?? ''}`
}

const A: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
}

function quotes(expected: string, found: unknown): string {
  return expected === 'string' && typeof found !== 'object' ? ': put it in quotes' : ''
}

const FIELDS = [
  ...['apiVersion', 'kind', 'metadata', 'spec', 'name', 'namespace', 'labels', 'annotations', 'broker', 'filter'],
  ...['filters', 'attributes', 'exact', 'subscriber', 'ref', 'uri', 'delivery', 'retry', 'timeout', 'backoffPolicy'],
  ...['backoffDelay', 'deadLetterSink', 'externalName'],
]

function hint(key: string): string {
  const near = nearest(key, FIELDS)
  return near === undefined || near === key ? ': remove it' : `: did you mean "${near}"?`
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[step]
  }
  return value
}
