import type { ApiObject, ServedVersion } from '@sluice/resources/api'
import { badRequest } from './refusals.ts'

/** What a client sent, once it is an object of the kind and the place it was sent to. Throws BadRequest. */
export function givenObject(served: ServedVersion, given: unknown, namespace: string | undefined): ApiObject {
  if (!isMap(given)) throw badRequest(`the object provided is unrecognized (must be of type ${served.kind.kind})`)
  const { apiVersion, kind } = given
  if (apiVersion !== served.apiVersion)
    throw badRequest(
      `the API version in the data (${text(apiVersion)}) does not match the expected API version (${served.apiVersion})`,
    )
  if (kind !== served.kind.kind)
    throw badRequest(`the kind in the data (${text(kind)}) does not match the expected kind (${served.kind.kind})`)
  const metadata = given.metadata ?? {}
  if (!isMap(metadata)) throw badRequest('metadata must be a map')
  const own = metadata.namespace
  if (own !== undefined && own !== null && own !== '' && own !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  return { ...given, apiVersion, kind, metadata: withoutPast(metadata) }
}

/** Nobody may say these. */
function withoutPast({ selfLink: _, ...metadata }: Readonly<Record<string, unknown>>): ApiObject['metadata'] {
  return metadata
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 253) : value === undefined ? '' : JSON.stringify(value).slice(0, 80)
}
