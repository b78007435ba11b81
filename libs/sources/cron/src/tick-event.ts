import { type CloudEvent, createEvent } from '@sluice/cloudevents'
import { PING_TYPE, type PingSourceRow, pingSourceUri } from '@sluice/contract'

/**
 * The event of one tick, the same however often it is made: its id is the object's and the tick's, its time the tick.
 * Throws EVENT_INVALID. Source: knative/eventing pkg/adapter/mtping/runner.go, where id and time are those of sending.
 */
export function tickEvent(row: PingSourceRow, tick: number): CloudEvent {
  const time = isoSeconds(tick)
  const { contentType, data } = row
  const attributes = {
    ...{ specversion: '1.0', id: `${row.uid}/${time}`, source: pingSourceUri(row), type: PING_TYPE, time },
    ...(contentType !== undefined && { datacontenttype: contentType }),
  }
  return createEvent(attributes, data && bytesOf(data))
}

export function isoSeconds(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}

function bytesOf(data: NonNullable<PingSourceRow['data']>): Uint8Array {
  return 'text' in data ? Buffer.from(data.text) : Buffer.from(data.base64, 'base64')
}
