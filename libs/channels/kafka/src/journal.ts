import type { Lying } from './client/client.ts'
import { tokenOf } from './names.ts'
import { decodeRecord, type RecordEntry } from './record.ts'

/**
 * What the owners of a lane write, one partition per lane, told apart by keys:
 *
 *   claim/<subscription>/<term>/<member>   the first of a term has the lane, until a claim of a higher one
 *   cursor/<subscription>/<term>           how far that owner is
 *   aside/<subscription>/<term>/<id>       what waits aside; without value: it does not any more
 *   redriven/<subscription>/<id>           put back by an operator, taken up by the owner
 *
 * A cursor that an owner writes behind a claim of a higher term counts for nobody: that is the fence. A copy aside that is
 * written so counts as put back: under its key it may stand in place of one that counts, which compaction lets go then, and it may be all
 * that is left of what was redriven. At worst an event comes twice.
 */
export type Note =
  | { readonly kind: 'claim'; readonly key: string; readonly term: number; readonly member: string }
  | { readonly kind: 'cursor'; readonly key: string; readonly term: number; readonly text: string }
  | { readonly kind: 'aside'; readonly key: string; readonly term: number; readonly record: Lying }
  | { readonly kind: 'redriven'; readonly key: string; readonly term: number; readonly record: Lying }
  /** Deleted, by an owner of that term. */
  | { readonly kind: 'gone'; readonly key: string; readonly term: number }

/** The term of who deletes. */
const TERM = 'term'

export class Keys {
  readonly #subscription: string

  /** `isToken`: as it stands in other keys. */
  constructor(subscription: string, isToken = false) {
    this.#subscription = isToken ? subscription : tokenOf(subscription)
  }

  claim(term: number, member: string): string {
    return `claim/${this.#subscription}/${term}/${member}`
  }

  cursor(term: number): string {
    return `cursor/${this.#subscription}/${term}`
  }

  aside(term: number, id: string): string {
    return `aside/${this.#subscription}/${term}/${id}`
  }

  redriven(id: string): string {
    return `redriven/${this.#subscription}/${id}`
  }

  /** Undefined for what is of another subscription, or nothing of ours. */
  read(record: Lying): Note | undefined {
    const key = record.key?.toString('utf8') ?? ''
    const [kind, subscription, third = '', fourth = ''] = key.split('/')
    if (subscription !== this.#subscription) return undefined
    if (record.value === null)
      return { kind: 'gone', key, term: Number(record.headers[TERM] ?? Number.POSITIVE_INFINITY) }
    const term = Number(third)
    if (kind === 'claim') return { kind, key, term, member: fourth }
    if (kind === 'cursor') return { kind, key, term, text: record.value.toString('utf8') }
    if (kind === 'aside') return { kind, key, term, record }
    return kind === 'redriven' ? { kind, key, term: 0, record } : undefined
  }
}

/** Of a record that deletes. */
export function headersOf(term: number): Record<string, Buffer> {
  return { [TERM]: Buffer.from(String(term)) }
}

export interface Kept {
  readonly key: string
  readonly offset: number
  readonly decode: () => RecordEntry
}

/** One lane of a subscription as its journal tells it, as far as it was read. */
export class Fold {
  readonly #keys: Keys
  next = 0
  term = 0
  member: string | undefined
  /** Of the newest owner that wrote one. */
  cursor: string | undefined
  cursorTerm = 0
  readonly asides = new Map<string, Kept>()
  /** Put back, by an operator or by an owner that did not know yet that it was none any more. */
  readonly redriven = new Map<string, Kept>()
  /** Claims and cursors of terms before, to be cleared away. */
  readonly old = new Set<string>()

  constructor(keys: Keys) {
    this.#keys = keys
  }

  take(record: Lying): void {
    this.next = record.offset + 1
    const note = this.#keys.read(record)
    if (note === undefined) return
    if (note.kind === 'claim') {
      this.old.add(note.key)
      // Of two that claim the same term, the first has it
      if (note.term > this.term) {
        this.term = note.term
        this.member = note.member
      }
    } else if (note.kind === 'redriven') this.redriven.set(note.key, keptOf(note.key, record))
    else if (note.kind === 'gone') {
      this.old.delete(note.key)
      this.redriven.delete(note.key)
      if (note.term >= this.term) this.asides.delete(note.key)
    } else if (note.term >= this.term) {
      // The claim of a higher term may be compacted away
      if (note.term > this.term) this.member = undefined
      this.term = note.term
      if (note.kind === 'aside') this.asides.set(note.key, keptOf(note.key, record))
      else {
        this.old.add(note.key)
        this.cursor = note.text
        this.cursorTerm = note.term
      }
    } else if (note.kind === 'aside') {
      this.asides.delete(note.key)
      this.redriven.set(note.key, keptOf(note.key, record))
    }
  }

  /** Who has the lane, by name; null: nobody. */
  ownerOf(read: (cursor: string) => { readonly owner: string | null }): string | null {
    if (this.cursor !== undefined && this.cursorTerm === this.term) return read(this.cursor).owner
    return this.member ?? null
  }
}

/** Without its data, which may be large: the entry is fetched when it is due. */
export function keptOf(key: string, record: Lying): Kept {
  let entry: RecordEntry | undefined
  let failure: unknown
  try {
    const decoded = decodeRecord(record)
    const { envelope } = decoded
    entry = { ...decoded, envelope: { ...envelope, event: { ...envelope.event, data: undefined } } }
  } catch (error) {
    failure = error
  }
  return {
    key,
    offset: record.offset,
    decode() {
      if (entry === undefined) throw failure
      return entry
    },
  }
}
