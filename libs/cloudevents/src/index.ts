/**
 * CloudEvents 1.0 and 0.3 over HTTP, exact: an event that comes in any mode goes out in any mode as it was, but for
 * what the modes themselves can't tell apart. Binary mode turns integers and booleans into their canonical strings,
 * drops zero bytes of data (an empty text, an empty `data_base64`) to no data, and says the `application/json` that an
 * envelope without `datacontenttype` implies. Structured mode keeps no white space around a JSON body, writes
 * `data_base64` for bytes that do not fit their content type, and for 0.3 `datacontentencoding` is how `data` is
 * written, not an attribute: base64 text received under it leaves as the bytes it stands for.
 */
export { type Attributes, createEvent, withAttributes } from './create.ts'
export type { AttributeValue, CloudEvent, DataKind } from './event.ts'
export { decodeHeaderValue, encodeHeaderValue, isLiteral } from './header-value.ts'
export { type ContentMode, contentMode, type Decoded, decodeHttp } from './http-decode.ts'
export { type BinaryMessage, encodeBinary } from './http-encode.ts'
export { BATCH_TYPE, EVENT_TYPE, isJsonContentType, JSON_TYPE } from './media-type.ts'
export { attributeText, eventBytes } from './size.ts'
export { encodeBatch, encodeStructured, type StructuredMessage } from './structured-encode.ts'
