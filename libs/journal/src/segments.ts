import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

const SEGMENTS = 8
const NAME = /^\d{12}\.ndjson$/

/** Numbered files, the oldest removed before they take more than `maxBytes`. One writer. */
export class Segments implements AsyncDisposable {
  readonly #folder: string
  readonly #segmentBytes: number
  #handle: FileHandle | undefined
  #bytes = 0
  #isTorn = true

  constructor({ folder, maxBytes }: { readonly folder: string; readonly maxBytes: number }) {
    this.#folder = folder
    this.#segmentBytes = Math.floor(maxBytes / SEGMENTS)
  }

  /** Whole lines, shorter than a segment. After a failure the next starts on a line of its own. */
  async append(lines: Buffer): Promise<void> {
    try {
      const handle = await this.#room(lines.length + 1)
      const chunk = this.#isTorn && this.#bytes > 0 ? Buffer.concat([Buffer.from('\n'), lines]) : lines
      this.#isTorn = true
      for (let at = 0; at < chunk.length; ) {
        const { bytesWritten } = await handle.write(chunk, at)
        this.#bytes += bytesWritten
        at += bytesWritten
      }
      this.#isTorn = false
    } catch (error) {
      await this[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Paths, newest first. */
  async newestFirst(): Promise<readonly string[]> {
    const names = await readdir(this.#folder).catch(() => [])
    return names
      .filter((name) => NAME.test(name))
      .toSorted()
      .toReversed()
      .map((name) => join(this.#folder, name))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    this.#isTorn = true
    await handle?.close().catch(() => undefined)
  }

  async #room(bytes: number): Promise<FileHandle> {
    if (this.#handle !== undefined && this.#bytes + bytes <= this.#segmentBytes) return this.#handle
    await this[Symbol.asyncDispose]()
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const existing = await this.newestFirst()
    const last = existing[0]
    const size = last === undefined ? 0 : (await stat(last)).size
    const number = last === undefined ? 0 : Number(last.slice(-'000000000000.ndjson'.length, -'.ndjson'.length))
    const isFull = size + bytes > this.#segmentBytes
    if (isFull) for (const old of existing.slice(SEGMENTS - 1)) await rm(old, { force: true })
    const name = `${String(isFull ? number + 1 : number).padStart(12, '0')}.ndjson`
    this.#handle = await open(join(this.#folder, name), 'a', 0o600)
    this.#bytes = isFull ? 0 : size
    return this.#handle
  }
}
