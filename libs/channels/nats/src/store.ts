import type { Msg } from '@nats-io/transport-node'
import type { StoredEntry } from '@sluice/channel'
import { isFault, isUnavailable, MESSAGE_NOT_FOUND, unavailable } from './errors.ts'
import { type Link, parsed, type RawHeaders } from './link.ts'
import { decodeMessage } from './message.ts'

interface PubAck {
  readonly seq: number
  readonly duplicate?: boolean
}

/** Stores one message and answers its place in the stream: of the first one, if it repeats a key. */
export async function store(
  link: Link,
  subject: string,
  payload: Uint8Array | string,
  headers?: RawHeaders,
): Promise<number> {
  return (parsed(await link.request(subject, payload, headers)) as PubAck).seq
}

/** Header lines that make the server refuse the message unless `revision` is the newest of its subject. */
export function expecting(revision: number): RawHeaders {
  const lines = Buffer.from(`NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: ${revision}\r\n\r\n`, 'latin1')
  return { encode: () => lines }
}

/** The newest message of a subject, from the stream's leader; undefined if there is none. */
export async function newest(
  link: Link,
  stream: string,
  subject: string,
): Promise<{ seq: number; text: string } | undefined> {
  try {
    const { message } = await link.api<{ message: { seq: number; data?: string } }>(`STREAM.MSG.GET.${stream}`, {
      last_by_subj: subject,
    })
    return { seq: message.seq, text: Buffer.from(message.data ?? '', 'base64').toString('utf8') }
  } catch (error) {
    if (isFault(error, MESSAGE_NOT_FOUND)) return undefined
    throw error
  }
}

/**
 * Where the first message from a place on lies that matches, as the stream's leader has it: a consumer reads from any
 * copy, which may be behind, and says then that there is nothing. Undefined if there is none.
 */
export async function firstFrom(link: Link, stream: string, filter: string, seq: number): Promise<number | undefined> {
  try {
    const from = { seq: Math.max(1, seq), next_by_subj: filter }
    return (await link.api<{ message: { seq: number } }>(`STREAM.MSG.GET.${stream}`, from)).message.seq
  } catch (error) {
    if (isFault(error, MESSAGE_NOT_FOUND)) return undefined
    throw error
  }
}

const NOT_FOUND = 404

/** One entry by its place; undefined if it is gone. Rejects with CHANNEL_UNAVAILABLE while the copy asked is behind. */
export async function entryAt(link: Link, stream: string, seq: number): Promise<StoredEntry | undefined> {
  const message = await link.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ seq }))
  if (statusOf(message) !== NOT_FOUND) return decodeMessage(message.headers ?? [], message.data)
  try {
    await link.api(`STREAM.MSG.GET.${stream}`, { seq })
  } catch (error) {
    if (isFault(error, MESSAGE_NOT_FOUND)) return undefined
    throw error
  }
  throw unavailable('a copy of the stream is behind')
}

/** Deletes one message. Answers whether it was there. */
export async function deleteAt(link: Link, stream: string, seq: number): Promise<boolean> {
  try {
    const request = { seq, no_erase: !link.mustErase }
    const { success } = await link.api<{ success: boolean }>(`STREAM.MSG.DELETE.${stream}`, request)
    return success
  } catch (error) {
    // Servers answer a missing message in several ways, none of them a failure to reach it.
    if (isFault(error) || (isUnavailable(error) && 'status' in (error as object))) return false
    throw error
  }
}

function statusOf(message: Msg): number {
  return message.data.length === 0 ? (message.headers?.code ?? 0) : 0
}
