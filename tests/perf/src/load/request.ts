/** Attribute by which a trigger of the bench recognises the events of the generator. */
export const EVENT_TYPE = 'com.example.order.created'

/** A JSON text of exactly `bytes` bytes. */
export function jsonBody(bytes: number): string {
  const frame = { order: 4711, customer: 'c-1009', items: [{ sku: 'a-77', count: 2 }], note: '' }
  return JSON.stringify({ ...frame, note: 'x'.repeat(bytes - JSON.stringify(frame).length) })
}

/** The seven attributes every event carries, by header name. */
export function eventHeaders(id: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': id,
    'ce-source': '/perf/generator',
    'ce-type': EVENT_TYPE,
    'ce-subject': 'orders/4711',
    'ce-time': '2026-11-23T17:31:00.123Z',
    'ce-dataschema': 'https://example.com/schemas/order/1',
  }
}

/** Header, and extension attribute, that carries the scheduled send time to the sink. */
export const SENT_HEADER = 'ce-perft'

/** Builds the head of one request; only id and send time change from one to the next. */
export function requestHead({ url, bodyBytes }: { url: string; bodyBytes: number }) {
  const { host, pathname } = new URL(url)
  const [before = '', after = ''] = Object.entries(eventHeaders('<id>'))
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
    .split('<id>')
  const start = `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${bodyBytes}\r\n${before}`
  return (id: string, sentAtMs: number) => `${start}${id}${after}${SENT_HEADER}: ${sentAtMs.toFixed(3)}\r\n\r\n`
}
