import { type ApiObject, isSame } from '@sluice/resources/api'
import { applyPatch, type Operation, Pointer } from 'rfc6902'
import { badRequest, refused } from '../store/refusals.ts'

/** Source: k8s.io/apiserver, handlers/patch.go, maxJSONPatchOperations. */
const MAX_OPERATIONS = 10_000
/** What all copies add, in characters of JSON; a copy of copies doubles. Source: as above, the limit of a request. */
const MAX_COPIED = 3 * 1024 * 1024
const TOO_MUCH = new RangeError(`all copies together add more than ${MAX_COPIED} characters`)
const MAX_DEPTH = 200
const OPERATIONS = ['add', 'remove', 'replace', 'move', 'copy', 'test']
const HOSTILE = /(^|\/)(__proto__|constructor|prototype)(\/|$)/
const INDEX = /^(0|[1-9]\d{0,8})$/

/** RFC 6902. Throws BadRequest for what is no patch, Invalid for one that does not fit the object. */
export function jsonPatched(object: ApiObject, given: unknown): unknown {
  const operations = read(given)
  const next = structuredClone(object)
  let copied = 0
  for (const [i, given] of operations.entries()) {
    const operation = asKubernetes(next, given)
    const refuse = (why: string) =>
      refused(
        'Invalid',
        `the server rejected our request due to an error in our request: operation ${i} (${operation.op} ${operation.path}): ${why}`,
      )
    const stray = strayStep(next, operation)
    if (stray !== undefined) throw refuse(`there is no ${stray}`)
    try {
      if (operation.op === 'copy') copied += JSON.stringify(Pointer.fromJSON(operation.from).get(next)).length
      const [failure] = copied > MAX_COPIED ? [TOO_MUCH] : applyPatch(next, [operation])
      if (failure !== null && failure !== undefined) throw failure
    } catch (error) {
      const { name, message } = error as Error
      throw refuse(name === 'TestError' ? 'testing value failed' : message)
    }
  }
  if (isTooDeep(next)) throw refused('Invalid', `the patched object is nested more than ${MAX_DEPTH} levels deep`)
  return isSame(next, object) ? object : next
}

/** Kubernetes replaces in a map what is not there, against RFC 6902; kubectl's users count on it. */
function asKubernetes(object: unknown, operation: Operation): Operation {
  const { op, path } = operation
  if (op !== 'replace' || strayStep(object, operation) === undefined) return operation
  const added = { ...operation, op: 'add' } as const
  const isInList = Array.isArray(Pointer.fromJSON(path).parent().get(object))
  return isInList || strayStep(object, added) !== undefined ? operation : added
}

/** Level by level: moves of moves nest deeper than a call stack. */
function isTooDeep(object: unknown): boolean {
  let level = [object]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []))
  }
  return false
}

/** The library would follow a pointer to whatever an object of JavaScript has: `/metadata/toString/call`. */
function strayStep(object: unknown, operation: Operation): string | undefined {
  const { op, path } = operation
  if (op === 'move' || op === 'copy') return stray(object, operation.from, false) ?? stray(object, path, true)
  return stray(object, path, op === 'add')
}

/** A target need not be there yet, but what it is in. */
function stray(object: unknown, path: string, isTarget: boolean): string | undefined {
  const { tokens } = Pointer.fromJSON(path)
  // the whole object stays what it is
  if (tokens.length === 1) return isTarget ? 'object around the object' : undefined
  let at = object
  for (const [i, token] of tokens.slice(1).entries()) {
    const isLast = i === tokens.length - 2
    if (typeof at !== 'object' || at === null) return path
    if (Array.isArray(at)) {
      const index = INDEX.test(token) ? Number(token) : undefined
      if (isLast && isTarget) return token === '-' || (index !== undefined && index <= at.length) ? undefined : path
      if (index === undefined || index >= at.length) return path
    } else if (!Object.hasOwn(at, token)) return isLast && isTarget ? undefined : path
    at = (at as Readonly<Record<string, unknown>>)[token]
  }
  return undefined
}

function read(given: unknown): readonly Operation[] {
  if (!Array.isArray(given)) throw badRequest('a JSON patch must be a list of operations')
  if (given.length > MAX_OPERATIONS)
    throw refused(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${given.length}`,
    )
  const problems = given.flatMap((operation, i) => problemsOf(operation).map((problem) => `operation ${i}: ${problem}`))
  if (problems.length > 0) throw badRequest(`error decoding patch: ${problems.slice(0, 10).join('; ')}`)
  return given as Operation[]
}

function problemsOf(operation: unknown): string[] {
  if (typeof operation !== 'object' || operation === null) return ['must be an object']
  const { op, path, from } = operation as Record<string, unknown>
  return [
    ...(OPERATIONS.includes(op as string) ? [] : [`op must be one of ${OPERATIONS.join(', ')}`]),
    ...(isPointer(path) ? [] : ['path must be a JSON pointer']),
    ...(op === 'move' || op === 'copy' ? (isPointer(from) ? [] : ['from must be a JSON pointer']) : []),
    ...(['add', 'replace', 'test'].includes(op as string) && !Object.hasOwn(operation, 'value')
      ? ['value is required']
      : []),
  ]
}

function isPointer(text: unknown): boolean {
  return typeof text === 'string' && (text === '' || text.startsWith('/')) && !HOSTILE.test(text)
}
