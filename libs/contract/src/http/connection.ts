import type { Clock } from '@sluice/clock'
import type { Delta } from '../rows.ts'
import type { SourceNews } from '../sources/line.ts'
import { whenHolds } from '../when-holds.ts'
import { within } from '../within.ts'
import { createAssembly } from './parts.ts'
import {
  type Acknowledgement,
  ANSWER_MS,
  HEARTBEAT_MS,
  type Hello,
  LEASE_MS,
  type Question,
  SILENCE_MS,
} from './protocol.ts'
import { type ContractTransport, isLeaseLost, unreachable } from './transport.ts'

export interface ConnectionDeps {
  readonly transport: ContractTransport
  readonly clock: Clock
  readonly hello: Hello
  /** Throws what ends the connection. */
  readonly take: (delta: Delta) => void
  readonly onConnected: () => void
  /** Of a service of sources. */
  readonly news: (news: SourceNews) => void
  /** Answers a question. Never rejects. */
  readonly asked: (question: Question, signal: AbortSignal) => Promise<void>
  readonly acknowledged: () => Omit<Acknowledgement, 'instance'>
  /** Calls back when `acknowledged` may have changed. */
  readonly changed: (listener: () => void) => Disposable
  readonly signal: AbortSignal
}

/** One watch and the renewals of its lease, from the hello to its end. Resolves why it ended; never rejects. */
export async function connectOnce(deps: ConnectionDeps): Promise<unknown> {
  const { transport, clock, hello, take, asked, news, onConnected, signal } = deps
  const cut = new AbortController()
  const stopped = () => cut.abort()
  signal.addEventListener('abort', stopped, { once: true })
  let reason: unknown
  const end = (why: unknown) => {
    reason ??= why
    cut.abort()
  }
  const silent = (ms: number) => unreachable(transport.url, `it has been silent for ${ms} ms`)
  let watchdog = clock.after(ANSWER_MS, () => end(silent(ANSWER_MS)))
  const alive = () => {
    watchdog[Symbol.dispose]()
    watchdog = clock.after(SILENCE_MS, () => end(silent(SILENCE_MS)))
  }
  let renewing: Promise<void> = Promise.resolve()
  try {
    if (signal.aborted) cut.abort()
    const messages = await transport.watch(hello, cut.signal, alive)
    alive()
    renewing = renew(deps, cut.signal, end)
    let isFirst = true
    const assembly = createAssembly()
    for await (const message of messages) {
      alive()
      if (message.type === 'part') {
        assembly.add(message)
        continue
      }
      if (message.type === 'delta') take(assembly.complete(message))
      if (message.type === 'sources') news(message)
      if (message.type === 'question') void asked(message, cut.signal)
      if (isFirst) onConnected()
      isFirst = false
    }
    end(unreachable(transport.url, 'it ended the connection'))
  } catch (error) {
    end(error)
  }
  watchdog[Symbol.dispose]()
  signal.removeEventListener('abort', stopped)
  await renewing
  return reason
}

/** Every few seconds, and at once when there is more to acknowledge. */
async function renew(deps: ConnectionDeps, signal: AbortSignal, end: (why: unknown) => void): Promise<void> {
  const { transport, clock, hello, acknowledged, changed } = deps
  let renewedAt = clock.monotonic()
  while (!signal.aborted) {
    const given = acknowledged()
    try {
      await within(ANSWER_MS, signal, clock, (over) =>
        transport.acknowledge({ ...given, instance: hello.instance }, over),
      )
      renewedAt = clock.monotonic()
    } catch (error) {
      if (isLeaseLost(error) || clock.monotonic() - renewedAt >= LEASE_MS) return end(error)
    }
    await within(HEARTBEAT_MS, signal, clock, (over) =>
      whenHolds(() => acknowledged().revision !== given.revision, changed, over),
    )
  }
}
