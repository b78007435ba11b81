import type { ApiObject } from '@sluice/resources/api'
import { frozen } from './entry.ts'
import { isMap } from './given.ts'

const MAX_KNOWN = 2_000

/**
 * Objects that were written alike have the same fieldsV1, which are the larger half of them: kept once. What is known
 * is bounded; beyond that it begins anew.
 */
export class Interned {
  readonly #known = new Map<string, unknown>()

  /** The object, with those it shares with others. */
  of(object: ApiObject): ApiObject {
    const { managedFields } = object.metadata
    if (!Array.isArray(managedFields)) return object
    const shared = managedFields.map((each: unknown) =>
      isMap(each) && each.fieldsV1 !== undefined ? { ...each, fieldsV1: this.#one(each.fieldsV1) } : each,
    )
    return { ...object, metadata: { ...object.metadata, managedFields: shared } }
  }

  #one(fieldsV1: unknown): unknown {
    const json = JSON.stringify(fieldsV1)
    const known = this.#known.get(json)
    if (known !== undefined) return known
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    this.#known.set(json, frozen(fieldsV1))
    return fieldsV1
  }
}
