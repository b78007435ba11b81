import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { connect } from 'node:net'

const API_KEY = 51
const VERSION = 0
const ITERATIONS = 4_096
const HASHES = { 1: { hash: 'sha256', bytes: 32 }, 2: { hash: 'sha512', bytes: 64 } } as const
const ANSWER_MS = 10_000

/**
 * Gives the user that password for SCRAM-SHA-256 and -512, over a listener that asks for nothing. The clients that are had can't
 * say it. Source: Kafka's AlterUserScramCredentialsRequest, version 0.
 */
export async function addScramUser(server: Listener, user: string, password: string): Promise<void> {
  // A request takes one of each user
  for (const mechanism of [1, 2] as const) await upsert(server, mechanism, user, password)
}

interface Listener {
  readonly host: string
  readonly port: number
}

async function upsert({ host, port }: Listener, mechanism: keyof typeof HASHES, user: string, password: string) {
  const salt = randomBytes(16)
  const { hash, bytes } = HASHES[mechanism]
  const salted = pbkdf2Sync(password, salt, ITERATIONS, bytes, hash)
  const head = Buffer.alloc(5)
  head.writeInt8(mechanism)
  head.writeInt32BE(ITERATIONS, 1)
  const upsertions = [Buffer.of(2), compact(Buffer.from(user)), head, compact(salt), compact(salted), NO_TAGS]
  const header = Buffer.alloc(10)
  header.writeInt16BE(API_KEY)
  header.writeInt16BE(VERSION, 2)
  // Without a client's id
  header.writeInt16BE(-1, 8)
  const deletions = Buffer.of(1)
  const answer = await ask(host, port, Buffer.concat([header, NO_TAGS, deletions, ...upsertions, NO_TAGS]))
  // After correlation, tags, throttle time, length of the list and the user's name
  const error = answer.readInt16BE(4 + 1 + 4 + 1 + 1 + Buffer.byteLength(user))
  if (error !== 0) throw new Error(`Kafka does not take the user: error ${error}`)
}

const NO_TAGS = Buffer.of(0)

/** Below 127 bytes. */
function compact(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(bytes.length + 1), bytes])
}

function ask(host: string, port: number, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const size = Buffer.alloc(4)
    size.writeInt32BE(request.length)
    let answer: Buffer = Buffer.alloc(0)
    const socket = connect({ host, port }, () => socket.write(Buffer.concat([size, request])))
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error('Kafka does not answer')))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('Kafka closes the connection')))
    socket.on('data', (part) => {
      answer = Buffer.concat([answer, part])
      if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return
      resolve(answer.subarray(4))
      socket.destroy()
    })
  })
}
