import { createEvent } from '@sluice/cloudevents'
import type { SourceRow } from '@sluice/contract'
import { createTestTelemetry } from '@sluice/telemetry/testing'
import { createFakeDesk, createFakeIngress, VirtualClock } from '@sluice/testkit'

export const ROW: SourceRow = {
  ...{ uid: 'u1', hash: '', kind: 'PingSource', namespace: 'shop', name: 'ping' },
  target: { url: 'http://127.0.0.1:8080/shop/default', internal: true },
}

export const eventOf = (id: string) =>
  createEvent({ specversion: '1.0', id, source: '/s', type: 't' }, Buffer.from('{}'), 'json')

/** Everything around a source, none of it real. */
export function bench() {
  const clock = new VirtualClock()
  const telemetry = createTestTelemetry()
  const desk = createFakeDesk<SourceRow>({ clock })
  const ingress = createFakeIngress()
  const ids = () => ingress.stored.map(({ attributes }) => attributes.get('id'))
  const deps = { clock, telemetry, sender: ingress.sender, random: () => 0 }
  return { clock, telemetry, desk, ingress, ids, deps }
}
