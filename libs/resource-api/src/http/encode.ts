import type { ApiObject } from '@sluice/resources/api'
import { ENCODED_KEPT } from './config.ts'

/** JSON of objects, each state encoded once for all who watch it: the last few are kept. */
export class Encoder {
  readonly #kept = new Map<ApiObject, string>()

  json(object: ApiObject): string {
    let json = this.#kept.get(object)
    if (json !== undefined) return json
    json = JSON.stringify(object)
    this.#kept.set(object, json)
    if (this.#kept.size > ENCODED_KEPT)
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest)
        break
      }
    return json
  }
}
