import { type ApiObject, isSame } from '@sluice/resources/api'
import type { ObjectChange } from '../api/resource-client.ts'

interface Write {
  /** Of the object that it was made of. */
  readonly from: unknown
  readonly status: Readonly<Record<string, unknown>>
  /** Once it is known. */
  readonly version?: unknown
}

/** The statuses a program wrote last: a change that is its own needs no second look. */
export class OwnWrites {
  readonly #writes = new Map<string, Write>()

  begin(key: string, { metadata }: ApiObject, status: Write['status']): void {
    this.#writes.set(key, { from: metadata.resourceVersion, status })
  }

  end(key: string, { metadata }: ApiObject): void {
    const write = this.#writes.get(key)
    if (write !== undefined) this.#writes.set(key, { ...write, version: metadata.resourceVersion })
  }

  forget(key: string): void {
    this.#writes.delete(key)
  }

  /** The change may be told before the write is answered: then it is known by what it was made of, and by its status. */
  has(key: string, { before, now }: ObjectChange): boolean {
    const write = this.#writes.get(key)
    if (write === undefined || now === undefined) return false
    if (write.version !== undefined) return write.version === now.metadata.resourceVersion
    return write.from === before?.metadata.resourceVersion && isSame(now.status, write.status)
  }
}
