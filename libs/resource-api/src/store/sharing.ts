import { type ApiObject, isSame } from '@sluice/resources/api'

/**
 * The object, with what it has in common with its former state: that one stays in the history, and an object whose
 * status changed is not kept twice.
 */
export function sharing(object: ApiObject, former: ApiObject | undefined): ApiObject {
  if (former === undefined) return object
  const metadata = withFields(object.metadata, former.metadata)
  return { ...withFields(object, former), metadata } as ApiObject
}

function withFields<T extends object>(now: T, former: object): T {
  const before = former as Readonly<Record<string, unknown>>
  const fields = Object.entries(now).map(([name, value]) => [name, isSame(value, before[name]) ? before[name] : value])
  return Object.fromEntries(fields) as T
}
