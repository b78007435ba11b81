import { type ApiObject, isSame } from '@sluice/resources/api'
import { applyPatch, type Operation } from 'rfc6902'
import { badRequest, refused } from '../store/refusals.ts'

/** Source: k8s.io/apiserver, handlers/patch.go, maxJSONPatchOperations. */
const MAX_OPERATIONS = 10_000
const OPERATIONS = ['add', 'remove', 'replace', 'move', 'copy', 'test']
const HOSTILE = /(^|\/)(__proto__|constructor|prototype)(\/|$)/
/** A copy of copies doubles; Kubernetes bounds what all of them add. */
const MAX_COPIES = 100

/** RFC 6902. Throws BadRequest for what is no patch, Invalid for one that does not fit the object. */
export function jsonPatched(object: ApiObject, given: unknown): unknown {
  const operations = read(given)
  const next = structuredClone(object)
  for (const [i, operation] of operations.entries()) {
    const [failure] = applyPatch(next, [operation])
    if (failure !== null && failure !== undefined) {
      const why = failure.name === 'TestError' ? 'testing value failed' : failure.message
      throw refused(
        'Invalid',
        `the server rejected our request due to an error in our request: operation ${i} (${operation.op} ${operation.path}): ${why}`,
      )
    }
  }
  return isSame(next, object) ? object : next
}

function read(given: unknown): readonly Operation[] {
  if (!Array.isArray(given)) throw badRequest('a JSON patch must be a list of operations')
  if (given.length > MAX_OPERATIONS)
    throw refused(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${given.length}`,
    )
  const problems = given.flatMap((operation, i) => problemsOf(operation).map((problem) => `operation ${i}: ${problem}`))
  if (given.filter((each) => each?.op === 'copy').length > MAX_COPIES) problems.push(`more than ${MAX_COPIES} copies`)
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
