import type { MemberSink } from '@sluice/channel'
import type { Lying } from './client/client.ts'
import type { Fetcher } from './fetcher.ts'
import type { Link } from './link.ts'
import { membersTopic } from './names.ts'
import type { Publisher } from './publish.ts'

const LANE = 'lane:'
const SAID = Buffer.from('{}')

/**
 * What the consumers of all channels say of themselves, in one topic: that they live, that they leave, that a lane moved.
 * Keys are `<channel>/<subscription>/<member>`; the newest of each stays.
 */
export class Members implements Disposable {
  readonly #link: Link
  readonly #fetcher: Fetcher
  readonly #publisher: Publisher
  readonly #topic: string
  /** By start of key, who is there. */
  readonly #known = new Map<string, Set<string>>()
  readonly #sinks = new Map<string, Set<MemberSink>>()
  #following: Disposable | undefined

  constructor(link: Link, fetcher: Fetcher, publisher: Publisher, prefix: string) {
    this.#link = link
    this.#fetcher = fetcher
    this.#publisher = publisher
    this.#topic = membersTopic(prefix)
  }

  /** Tells who is there, and then what is said. */
  hear(start: string, sink: MemberSink): Disposable {
    const sinks = this.#sinks.get(start) ?? new Set()
    this.#sinks.set(start, sinks.add(sink))
    this.#following ??= this.#fetcher.follow({
      ...{ topic: this.#topic, partition: 0, from: 0, hasRoom: () => true },
      onPage: ({ records }) => {
        for (const record of records) this.#take(record)
      },
    })
    // As if they were heard now: who is gone will be silent
    queueMicrotask(() => {
      for (const name of this.#known.get(start) ?? []) if (sinks.has(sink)) sink.onMember(name, true)
    })
    return {
      [Symbol.dispose]: () => {
        sinks.delete(sink)
        if (sinks.size === 0) this.#sinks.delete(start)
      },
    }
  }

  async say(start: string, name: string, isThere: boolean): Promise<void> {
    const record = { key: Buffer.from(start + name), value: isThere ? SAID : null }
    await this.#publisher.store([{ topic: this.#topic, partition: 0, record, order: this.#link.order() }])
  }

  moved(start: string, lane: number): Promise<void> {
    return this.say(start, LANE + lane, true)
  }

  [Symbol.dispose](): void {
    this.#following?.[Symbol.dispose]()
  }

  #take({ key, value }: Lying): void {
    const text = key?.toString('utf8') ?? ''
    const at = text.lastIndexOf('/') + 1
    const start = text.slice(0, at)
    const name = text.slice(at)
    const sinks = this.#sinks.get(start) ?? []
    if (name.startsWith(LANE)) {
      for (const sink of sinks) sink.onMoved()
      return
    }
    const known = this.#known.get(start) ?? new Set()
    if (value === null) known.delete(name)
    else known.add(name)
    if (known.size === 0) this.#known.delete(start)
    else this.#known.set(start, known)
    for (const sink of sinks) sink.onMember(name, value !== null)
  }
}
