import { createHash } from 'node:crypto'

const PLAIN = /^[A-Za-z0-9_-]{1,120}$/
const LONGEST_TOKEN = 120

/**
 * Any text as one token of a subject or a stream's name: what is not a letter, a digit, - or _ becomes =XX of its UTF-8
 * bytes. A long one is cut and ends in its hash.
 */
export function tokenOf(text: string): string {
  if (PLAIN.test(text)) return text
  if (text === '') return '='
  let token = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte)
    token += PLAIN.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  if (token.length <= LONGEST_TOKEN) return token
  return `${token.slice(0, 72)}==${createHash('sha256').update(text).digest('hex').slice(0, 40)}`
}

/** Streams and subjects of one channel. */
export class ChannelNames {
  readonly events: string
  readonly aside: string
  readonly #events: string
  readonly #aside: string
  readonly #state: string

  constructor(prefix: string, channel: string) {
    const token = tokenOf(channel)
    this.events = `${prefix}_events_${token}`
    this.aside = `${prefix}_aside_${token}`
    this.#events = `${prefix}.events.${token}`
    this.#aside = `${prefix}.aside.${token}`
    this.#state = `${prefix}.state.${token}`
  }

  /** A lane of a log, or all of it. */
  lane(lane: number | '*'): string {
    return `${this.#events}.${lane}`
  }

  /** A logical queue in a lane of a queue channel; `*` for any. */
  queue(lane: number | '*', queue: string | '*'): string {
    return `${this.#events}.${lane}.${queue}`
  }

  /**
   * What waits aside for a subscription. The last token is the entry and the place of its copy before, so that a copy
   * written again replaces itself, and no other: a server that is killed brings back what was replaced, once what
   * replaced it has been deleted.
   */
  waiting(subscription: string, lane: number | '*', queue: string, id: string, after = 0): string {
    return `${this.#aside}.wait.${subscription}.${lane}.${queue}.${after === 0 ? id : `${id}-${after}`}`
  }

  /** Redriven and not yet taken up by the lane's owner. */
  redriven(subscription: string, lane: number | '*', queue: string, id: string): string {
    return `${this.#aside}.redriven.${subscription}.${lane}.${queue}.${id}`
  }

  parked(subscription: string, queue: string, id: string): string {
    return `${this.#aside}.parked.${subscription}.${queue}.${id}`
  }

  get allEvents(): string {
    return `${this.#events}.>`
  }

  get allAside(): string {
    return `${this.#aside}.>`
  }

  get allState(): string {
    return `${this.#state}.>`
  }

  /** Where a lane's owner keeps how far it is; written by comparing revisions, which fences earlier owners. */
  cursor(subscription: string, lane: number | '*'): string {
    return `${this.#state}.${subscription}.cursor.${lane}`
  }

  member(subscription: string, member: string): string {
    return `${this.#state}.${subscription}.live.member.${member}`
  }

  /** Said when a lane is taken or free. */
  moved(subscription: string, lane: number): string {
    return `${this.#state}.${subscription}.live.lane.${lane}`
  }

  live(subscription: string): string {
    return `${this.#state}.${subscription}.live.>`
  }

  /** When retention ran last. */
  get retained(): string {
    return `${this.#state}.retained`
  }
}

export function stateStream(prefix: string): string {
  return `${prefix}_state`
}

export function stateSubjects(prefix: string): string {
  return `${prefix}.state.>`
}
