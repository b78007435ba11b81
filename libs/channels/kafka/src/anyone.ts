import type { Clock } from '@sluice/clock'

/** Of several brokers, one that has not answered for so long is not waited for alone. */
export const SILENT_MS = 1_000

/**
 * Asks one broker after the other, the next when one fails or is silent; the first answer counts. So a cluster is there as long
 * as one of it answers. Those that were silent are asked last until they answer.
 */
export class Anyone {
  readonly #clock: Clock
  readonly #silent = new Set<number>()
  #turn = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Rejects when all have, as the first of them did. `ask` has to end by itself, and does no harm when it is asked twice. */
  ask<T>(nodes: readonly number[], ask: (node: number) => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const waiting = this.#inTurn(nodes)
    let open = waiting.length
    let isAnswered = false
    let first: { readonly error: unknown } | undefined
    const askNext = () => {
      const node = waiting.shift()
      if (node === undefined || isAnswered) return
      let isPassed = false
      const pass = () => {
        if (isPassed) return
        isPassed = true
        silence[Symbol.dispose]()
        askNext()
      }
      const silence = this.#clock.after(SILENT_MS, () => {
        this.#silent.add(node)
        pass()
      })
      ask(node).then(
        (answer) => {
          this.#silent.delete(node)
          isAnswered = true
          silence[Symbol.dispose]()
          resolve(answer)
        },
        (error: unknown) => {
          first ??= { error }
          if (--open === 0) reject(first.error)
          pass()
        },
      )
    }
    askNext()
    return promise
  }

  #inTurn(nodes: readonly number[]): number[] {
    const first = this.#turn++ % nodes.length
    const inTurn = [...nodes.slice(first), ...nodes.slice(0, first)]
    return [...inTurn.filter((node) => !this.#silent.has(node)), ...inTurn.filter((node) => this.#silent.has(node))]
  }
}
