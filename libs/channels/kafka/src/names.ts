import { createHash } from 'node:crypto'
import type { ChannelOptions, Position } from '@sluice/channel'
import { DEFAULT_PREFIX } from './config.ts'

const PLAIN = /^[A-Za-z0-9-]+$/
const LONGEST = 120

/** Any text as a part of a topic's name: what is no letter, digit or - becomes _XX of its UTF-8 bytes. A long one ends in its hash. */
export function tokenOf(text: string): string {
  let token = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte)
    token += PLAIN.test(character) ? character : `_${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  if (token.length <= LONGEST) return token
  return `${token.slice(0, 72)}__${createHash('sha256').update(text).digest('hex').slice(0, 40)}`
}

/** Topics and groups of one channel. */
export class ChannelNames {
  /** What was published. Its kind is in the name: a channel of the other kind is found as well. */
  readonly events: string
  readonly otherKind: string
  /** Cursors, and what waits aside. */
  readonly lanes: string
  readonly parked: string
  readonly #start: string

  constructor(prefix: string, channel: string, { kind, backend }: Pick<ChannelOptions, 'kind' | 'backend'>) {
    this.#start = `${prefix}.${tokenOf(channel)}`
    this.events = wishedTopic(prefix, backend) ?? `${this.#start}.${kind}`
    this.otherKind = `${this.#start}.${kind === 'log' ? 'queue' : 'log'}`
    this.lanes = `${this.#start}.lanes`
    this.parked = `${this.#start}.parked`
  }

  /** What was committed for a subscription, for tools and for retention. */
  group(subscription: string): string {
    return `${this.#start}.${tokenOf(subscription)}`
  }

  /** Start of the keys of a subscription's members. */
  members(subscription: string): string {
    return `${this.#start}/${tokenOf(subscription)}/`
  }
}

const LEGAL = /^[A-Za-z0-9._-]{1,249}$/
const LONGEST_TOPIC = 249
const HASH = 32

/**
 * The topic that others know a log by. Of an installation with a prefix of its own it begins with that, as two of them may have
 * namesakes; an external one is called as it is. What is longer than Kafka takes ends in its hash.
 */
function wishedTopic(prefix: string, backend: ChannelOptions['backend']): string | undefined {
  const { name, isExternal = false } = backend ?? {}
  if (name === undefined || isExternal) return name
  const topic = prefix === DEFAULT_PREFIX ? name : `${prefix}.${name}`
  if (LEGAL.test(topic)) return topic
  const legal = topic.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, LONGEST_TOPIC - HASH - 1)
  return `${legal}-${createHash('sha256').update(topic).digest('hex').slice(0, HASH)}`
}

export function membersTopic(prefix: string): string {
  return `${prefix}.members`
}

/** Where a record lies, and its order over all lanes. */
export interface At {
  readonly lane: number
  readonly offset: number
  readonly order: number
}

const RADIX = 36
const POSITION = /^(\d{1,6})-(\d{1,16})-([0-9a-z]{1,12})$/

export function positionOf({ lane, offset, order }: At): Position {
  return `${lane}-${offset}-${order.toString(RADIX)}`
}

/** Undefined for a position that no entry has. */
export function atOf(position: Position): At | undefined {
  const [, lane, offset, order] = POSITION.exec(position) ?? []
  if (lane === undefined || offset === undefined || order === undefined) return undefined
  return { lane: Number(lane), offset: Number(offset), order: Number.parseInt(order, RADIX) }
}

const PER_MS = 1_000

/** A foreign producer's record has no order of its own: it is as old as its time. */
export function orderOf(order: number | undefined, storedAt: number): number {
  return order ?? Math.max(0, storedAt) * PER_MS
}

/** A time that nothing of that order is stored before. */
export function timeOf(order: number): number {
  return Math.floor(order / PER_MS)
}
