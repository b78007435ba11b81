import type { CloudEvent } from './event.ts'
import { encodeHeaderValue } from './header-value.ts'
import { headerOfAttribute } from './headers.ts'
import { JSON_TYPE } from './media-type.ts'

export interface BinaryMessage {
  /** Flat: name, value, name, value; `content-type` last, absent when the event has none. */
  readonly headers: string[]
  readonly body: Uint8Array | undefined
}

/**
 * The event in HTTP binary mode, header values percent-encoded as the binding says, the data itself as body. JSON data
 * that came without a content type gets the implied one; no other type is invented. Zero bytes of data can't be told
 * from none by the receiver.
 */
export function encodeBinary(event: CloudEvent): BinaryMessage {
  const headers: string[] = []
  let contentType: string | undefined
  for (const [name, value] of event.attributes) {
    if (name === 'datacontenttype') contentType = value as string
    else headers.push(headerOfAttribute(name), typeof value === 'string' ? encodeHeaderValue(value) : String(value))
  }
  if (contentType === undefined && event.dataKind === 'json') contentType = JSON_TYPE
  if (contentType !== undefined) headers.push('content-type', contentType)
  return { headers, body: event.data }
}
