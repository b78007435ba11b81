import type { ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { stringify } from 'yaml'
import { GZIP_FROM_BYTES, GZIP_LEVEL, MAX_WARNING_BYTES } from './config.ts'

/** What a request is answered with; `body` a string: it is JSON already. */
export interface Answer {
  readonly status: number
  readonly body: object | string
  readonly isYaml?: boolean
  /** Absent: application/json, or application/yaml. */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

const gzipped = promisify(gzip)

/** Writes it, compressed if it is large and may be; of a HEAD the headers alone. */
export async function send(
  response: ServerResponse,
  { status, body, isYaml, type, headers }: Answer,
  asked: { readonly method: string | undefined; readonly acceptEncoding: string | undefined },
): Promise<void> {
  const json = typeof body === 'string' ? body : JSON.stringify(body)
  let bytes = Buffer.from(isYaml ? stringify(JSON.parse(json), { aliasDuplicateObjects: false }) : json)
  const isCompressed =
    bytes.length >= GZIP_FROM_BYTES && /\bgzip\b(?!\s*;\s*q=0(\.0*)?(,|$))/.test(asked.acceptEncoding ?? '')
  if (isCompressed) bytes = await gzipped(bytes, { level: GZIP_LEVEL })
  if (response.destroyed) return
  response.writeHead(status, {
    ...{ 'content-type': type ?? (isYaml ? 'application/yaml' : 'application/json'), 'content-length': bytes.length },
    ...{ 'cache-control': 'no-cache, private', 'x-content-type-options': 'nosniff', vary: 'Accept-Encoding' },
    ...(isCompressed && { 'content-encoding': 'gzip' }),
    ...(headers as Record<string, string | string[]>),
  })
  response.end(asked.method === 'HEAD' ? undefined : bytes)
}

/** Source: RFC 7234 5.5 with code 299, as Kubernetes writes it; UTF-8 as it is. */
export function warningHeaders(warnings: readonly string[]): Answer['headers'] {
  if (warnings.length === 0) return {}
  let left = MAX_WARNING_BYTES
  const all = [...new Set(warnings)].flatMap((text) => {
    const quoted = text.replace(/[\p{Cc}]+/gu, ' ').replace(/["\\]/g, '\\$&')
    const bytes = Buffer.from(`299 - "${quoted}"`)
    left -= bytes.length
    return left < 0 ? [] : [bytes.toString('latin1')]
  })
  return all.length === 0 ? {} : { warning: all }
}
