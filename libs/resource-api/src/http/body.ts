import { parse } from 'yaml'
import { badRequest, refused } from '../store/refusals.ts'
import { MAX_DEPTH } from './config.ts'
import { fromProtobuf, PROTOBUF } from './protobuf.ts'

const JSON_TYPES = ['application/json', 'application/json-patch+json', 'application/merge-patch+json']
const STRATEGIC = 'application/strategic-merge-patch+json'
const YAML_TYPES = ['application/yaml', 'application/apply-patch+yaml']

/** The type without its parameters, in lower case; of a body without one, JSON as Kubernetes has it. */
export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]?.trim().toLowerCase() || 'application/json'
}

/**
 * What a body says. Throws UnsupportedMediaType, and BadRequest for what is no text, no JSON or YAML, too deep, or has
 * a key that JavaScript gives a meaning of its own.
 */
export function parsed(body: Buffer | undefined, type: string): unknown {
  if (type === PROTOBUF) return body === undefined || body.length === 0 ? undefined : fromProtobuf(body)
  const isYaml = YAML_TYPES.includes(type)
  if (!isYaml && !JSON_TYPES.includes(type) && type !== STRATEGIC)
    throw refused(
      'UnsupportedMediaType',
      `the body of the request was in an unknown format (${type.slice(0, 80)}) - accepted media types include: application/json, application/yaml`,
    )
  if (body === undefined || body.length === 0) return undefined
  const value = decodedText(text(body), isYaml)
  check(value)
  return value
}

function text(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw badRequest('the body of the request is not valid UTF-8')
  }
}

function decodedText(body: string, isYaml: boolean): unknown {
  // what clients send as YAML mostly is JSON, which is read a hundred times faster
  const isJson = !isYaml || /^\s*[{[]/.test(body)
  try {
    return isJson ? JSON.parse(body) : parse(body, { logLevel: 'silent', merge: false })
  } catch (error) {
    if (isYaml && isJson)
      try {
        return parse(body, { logLevel: 'silent' })
      } catch {
        // told below
      }
    const why = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : ''
    throw badRequest(`the object provided is unrecognized: ${isYaml ? 'YAML' : 'JSON'}: ${why.slice(0, 200)}`)
  }
}

/** Without recursion, which a hostile body would exhaust. */
function check(value: unknown): void {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw badRequest(`the object is nested more than ${MAX_DEPTH} deep`)
    const below: unknown[] = []
    for (const each of level) {
      if (typeof each !== 'object' || each === null) continue
      if (Object.hasOwn(each, '__proto__')) throw badRequest('the key __proto__ is not supported: leave it out')
      for (const inner of Object.values(each)) if (typeof inner === 'object' && inner !== null) below.push(inner)
    }
    level = below
  }
}
