import { expect, test } from '@jest/globals'
import { Apart, FakeRole, memoryCopy, NONE, rows } from '../../test/apart.ts'
import type { Contract, Delta } from '../rows.ts'
import { followContract } from './follow-contract.ts'
import { createAssembly, partsOf } from './parts.ts'
import { type Message, readMessage } from './protocol.ts'

const names = (count: number) => Array.from({ length: count }, (_, n) => `n${n}`)
const NO_UIDS = { logs: [], ingresses: [], routes: [], deliveries: [], sources: [] }
const sizeOf = (message: Message) =>
  'put' in message
    ? [...Object.values(message.put), ...Object.values(message.removed)].reduce((sum, { length }) => sum + length, 0)
    : 0

test.each([
  [0, 1],
  [1, 1],
  [64, 1],
  [65, 2],
  [1_000, 16],
])(
  '%d rows of each kind go in %d messages of at most 256 rows, the last of which bears the revision',
  (count, messages) => {
    const delta: Delta = { epoch: 2, revision: 9, put: rows(names(count)), removed: NO_UIDS }
    const parts = [...partsOf(delta)]
    expect(parts.map(({ type }) => type)).toEqual([...new Array(messages - 1).fill('part'), 'delta'])
    expect(Math.max(...parts.map(sizeOf))).toBeLessThanOrEqual(256)
    const assembly = createAssembly()
    for (const message of parts) {
      const read = readMessage(JSON.parse(JSON.stringify(message)))
      if (read.type === 'part') assembly.add(read)
      else if (read.type === 'delta') expect(assembly.complete(read)).toMatchObject(delta)
    }
  },
)

test('removals are spread over messages too, and nothing of one delta is left in the next', () => {
  const removed = { ...NO_UIDS, routes: names(300), deliveries: names(10) }
  const assembly = createAssembly()
  for (const message of partsOf({ epoch: 2, revision: 9, put: NONE, removed })) {
    if (message.type === 'part') assembly.add(message)
    else if (message.type === 'delta') expect(assembly.complete(message).removed).toEqual(removed)
  }
  const next = { epoch: 2, revision: 10, put: NONE, removed: NO_UIDS }
  expect(assembly.complete(next)).toEqual(next)
})

test('a part that the server does not complete is forgotten with the connection, and is in force with nobody', async () => {
  const apart = new Apart()
  const { store } = await apart.serve()
  await store.publish(rows(names(300)))
  const copy = memoryCopy<Contract>()
  // The line breaks after two messages, twice; then it holds
  let breaks = 2
  const transport = apart.network.transport()
  const watch = transport.watch.bind(transport)
  transport.watch = async (hello, signal, alive) => {
    const messages = await watch(hello, signal, alive)
    if (breaks-- <= 0) return messages
    return (async function* () {
      let left = 2
      for await (const message of messages) {
        if (left-- === 0) return
        yield message
      }
    })()
  }
  const role = new FakeRole()
  const { clock, telemetry } = apart
  await using follower = await followContract({
    ...{ clock, telemetry, transport, copy, roles: ['filter'], replica: 'f1', instance: 'i', random: () => 0.5 },
  })
  follower.watch('filter', role.apply)
  await apart.clock.advance(1)
  expect([role.revision, copy.held]).toEqual([undefined, undefined])
  await apart.clock.advance(5_000)
  expect(role.rows().routes).toHaveLength(300)
  expect(role.revision).toBe(store.contract().revision)
})
