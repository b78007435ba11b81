import type { Clock } from '@sluice/clock'
import type { SourceLine, SourceListener, SourceNews } from '../sources/line.ts'
import type { SourceCall } from '../sources/line-schema.ts'
import { within } from '../within.ts'
import { ANSWER_MS } from './protocol.ts'
import { type ContractTransport, unreachable } from './transport.ts'

/** The line of a service of sources to a server apart, beside the watch that brings its news. */
export interface DistantLine extends SourceLine {
  news(news: SourceNews): void
  connected(): void
  /** What comes until the next `connected` may be lost. */
  disconnected(): void
}

type Said = SourceCall extends infer Call ? (Call extends SourceCall ? Omit<Call, 'instance'> : never) : never

export function distantLine(deps: {
  readonly transport: ContractTransport
  readonly instance: string
  readonly clock: Clock
}): DistantLine {
  const { transport, instance, clock } = deps
  let listener: SourceListener | undefined
  let isConnected = false

  async function say(said: Said): Promise<unknown> {
    const call = { ...said, instance } as SourceCall
    let isOver = false
    try {
      return await within(ANSWER_MS, new AbortController().signal, clock, (signal) => {
        signal.addEventListener('abort', () => (isOver = true), { once: true })
        return transport.callOfSource(call, signal)
      })
    } catch (error) {
      throw isOver ? unreachable(transport.url, `it gave no answer for ${ANSWER_MS} ms`, error) : error
    }
  }

  return {
    enlist: async (held) => void (await say({ say: 'enlist', held: [...held] })),
    resign: async () => void (await say({ say: 'resign' })),
    released: async (uid, term) => void (await say({ say: 'released', uid, term })),
    ask: (question) => say({ say: 'ask', question } as Said),
    listen(one) {
      listener = one
      if (isConnected) one.connected()
      return { [Symbol.dispose]: () => (listener = undefined) }
    },
    news: (news) => listener?.news(news),
    connected() {
      isConnected = true
      listener?.connected()
    },
    disconnected() {
      isConnected = false
    },
  }
}
