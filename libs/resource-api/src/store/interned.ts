import type { ApiObject } from '@sluice/resources/api'
import { frozen } from './entry.ts'
import { isMap } from './given.ts'

const MAX_KNOWN = 2_000
/** Longer ones are hardly said twice. */
const MAX_LENGTH = 256

/**
 * Objects that were written alike have the same fieldsV1, which are the larger half of them, and many a text: kept
 * once. What is known is bounded; beyond that it begins anew.
 */
export class Interned {
  readonly #known = new Map<string, unknown>()
  readonly #texts = new Map<string, string>()

  /** The object, with those it shares with others. */
  of(object: ApiObject): ApiObject {
    this.#shareTexts(object)
    const { managedFields } = object.metadata
    if (!Array.isArray(managedFields)) return object
    const shared = managedFields.map((each: unknown) =>
      isMap(each) && each.fieldsV1 !== undefined ? { ...each, fieldsV1: this.#one(each.fieldsV1) } : each,
    )
    return { ...object, metadata: { ...object.metadata, managedFields: shared } }
  }

  /** In place, which nobody can tell from before. */
  #shareTexts(value: object): void {
    if (Object.isFrozen(value)) return
    const fields = value as Record<string, unknown>
    for (const name of Object.keys(fields)) {
      const each = fields[name]
      if (typeof each === 'string') {
        if (each.length <= MAX_LENGTH) fields[name] = this.#text(each)
      } else if (typeof each === 'object' && each !== null) this.#shareTexts(each)
    }
  }

  #text(text: string): string {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    if (this.#texts.size >= MAX_KNOWN) this.#texts.clear()
    this.#texts.set(text, text)
    return text
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
