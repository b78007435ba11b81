export interface BatchOf {
  readonly producer: string
  readonly isTransactional: boolean
  /** A transaction's end, and no record. */
  readonly isControl: boolean
}

const ABORT = 0

/** Tells of records in the order of a partition which of them never became valid. */
export class Transactions {
  readonly #waiting: { readonly producer: string; readonly from: number }[]
  readonly #aborting = new Set<string>()

  /** Of each transaction that was aborted, where it begins. */
  constructor(aborted: readonly { readonly producer: string; readonly from: number }[]) {
    this.#waiting = [...aborted].sort((a, b) => a.from - b.from)
  }

  isValid(offset: number, key: Buffer | null, { producer, isTransactional, isControl }: BatchOf): boolean {
    for (let first = this.#waiting[0]; first !== undefined && first.from <= offset; first = this.#waiting[0]) {
      this.#aborting.add(first.producer)
      this.#waiting.shift()
    }
    if (isControl) {
      if (key?.readInt16BE(2) === ABORT) this.#aborting.delete(producer)
      return false
    }
    return !(isTransactional && this.#aborting.has(producer))
  }
}
