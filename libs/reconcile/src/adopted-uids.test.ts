import { expect, test } from '@jest/globals'
import type { Contract } from '@sluice/contract'
import { BROKER, objectsOf, openMemory, served, triggerText } from '../test/applying.ts'
import { adoptedUids } from './adopted-uids.ts'
import { applyManifests } from './manifests/apply-manifests.ts'

const rows = {
  logs: [{ kind: 'broker', namespace: 'default', name: 'default', uid: 'b-1' }],
  routes: [
    { namespace: 'default', name: 't', uid: 't-1', log: 'b-1' },
    { namespace: 'default', name: 'ping', uid: 'p-1', log: 'p-1' },
  ],
} as unknown as Pick<Contract, 'logs' | 'routes'>
const at = (name: string) => ({ namespace: 'default', name })

test('a Broker and a Trigger that have rows get the uid of these, in the rehearsal and after it', () => {
  const { newUid } = adoptedUids(rows)
  expect(newUid(served('Broker'), at('default'))).toBe('b-1')
  expect(newUid(served('Trigger'), at('t'))).toBe('t-1')
  expect([newUid(served('Broker'), at('default')), newUid(served('Trigger'), at('t'))]).toEqual(['b-1', 't-1'])
})

test('other names, kinds and namespaces get none, and nobody does after the start', () => {
  const adopted = adoptedUids(rows)
  expect(adopted.newUid(served('Broker'), at('other'))).toBeUndefined()
  expect(adopted.newUid(served('Channel'), at('default'))).toBeUndefined()
  expect(adopted.newUid(served('Broker'), { namespace: 'shop', name: 'default' })).toBeUndefined()
  // the route of a source's own log
  expect(adopted.newUid(served('Trigger'), at('ping'))).toBeUndefined()
  adopted.end()
  expect(adopted.newUid(served('Broker'), at('default'))).toBeUndefined()
})

test('an object that is there keeps its own, and a namesake made later gets a new one', async () => {
  await using registry = await openMemory()
  await applyManifests(registry, objectsOf(BROKER, triggerText('other')))
  const adopted = adoptedUids(rows)
  adopted.leave(registry)
  expect(adopted.newUid(served('Broker'), at('default'))).toBeUndefined()
  expect(adopted.newUid(served('Trigger'), at('t'))).toBe('t-1')
})
