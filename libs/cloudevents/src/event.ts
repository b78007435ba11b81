/** A CloudEvents attribute value. URI, timestamp and binary attributes stay the text they came as. */
export type AttributeValue = string | number | boolean

/**
 * What the data bytes are known to be: `json` JSON text from an envelope's `data`, `text` a string from an envelope's
 * `data`, `binary` from `data_base64`. Unknown (undefined) for a binary-mode body: only `datacontenttype` speaks.
 */
export type DataKind = 'json' | 'text' | 'binary'

/**
 * One CloudEvent, immutable, values as they came. `attributes` holds every context attribute and extension by its
 * lower-case name, `specversion` and `datacontenttype` included. `data` is never parsed on the way through; undefined
 * means no data, which is not the same as zero bytes or a JSON null.
 */
export interface CloudEvent {
  readonly attributes: ReadonlyMap<string, AttributeValue>
  readonly data: Uint8Array | undefined
  readonly dataKind: DataKind | undefined
}
