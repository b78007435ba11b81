import { setImmediate } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import type { Contract, RowsEdit } from '@sluice/contract'
import { manualClock } from '../../test/manual-clock.ts'
import { createLedger, type GivenRows, type LedgerStore } from './index.ts'

const EMPTY: Contract = { epoch: 1, revision: 7, logs: [], ingresses: [], routes: [], deliveries: [], sources: [] }

function logOf(uid: string, lanes = 8): GivenRows {
  const place = { namespace: 'default', name: uid, channel: `log/${uid}`, queues: `queues/${uid}` }
  const retention = { maxAgeMs: 1, maxBytes: 1 }
  return { log: { uid, kind: 'broker', ...place, lanes, orderKey: 'partitionkey', retention } }
}

/** A store that takes edits, refuses them or makes them wait, and acknowledges what it is told to. */
function scripted() {
  const edits: RowsEdit[] = []
  const failures: unknown[] = []
  const listeners = new Set<() => void>()
  let revision = EMPTY.revision
  const script = { problem: undefined as Error | undefined, acknowledged: 0 }
  const store: LedgerStore = {
    contract: () => EMPTY,
    async change(edit) {
      if (script.problem !== undefined) throw script.problem
      edits.push(edit)
      return ++revision
    },
    acknowledged: (asked) => script.acknowledged >= asked,
    lacking: () => ['filter'],
    changed(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
  }
  const clock = manualClock()
  const failed = (error: unknown) => void failures.push(error)
  const ledger = createLedger({ store, clock, parkedRetentionMs: 1, failed })
  const acknowledge = (upTo: number) => {
    script.acknowledged = upTo
    for (const listener of listeners) listener()
  }
  return { script, edits, failures, clock, ledger, acknowledge }
}

const uids = (edits: readonly RowsEdit[]) => edits.map(({ put }) => put.logs?.map(({ uid }) => uid))

test('what is put within 10 ms is one change; what is equal is none', async () => {
  const { ledger, clock, edits } = scripted()
  ledger.put('a', logOf('a'))
  ledger.put('b', logOf('b'))
  ledger.put('b', logOf('b'))
  expect(edits).toEqual([])
  clock.advance(10)
  await ledger.published()
  expect(uids(edits)).toEqual([['a', 'b']])
  ledger.put('a', logOf('a'))
  await ledger.published()
  expect(edits).toHaveLength(1)
})

test('what could not be published is told, and tried again after 2 s with what came meanwhile', async () => {
  const { ledger, clock, edits, failures, script } = scripted()
  script.problem = new Error('disk full')
  ledger.put('a', logOf('a'))
  await ledger.published()
  expect(failures).toHaveLength(1)
  script.problem = undefined
  ledger.put('b', logOf('b'))
  clock.advance(1999)
  await setImmediate()
  expect(edits).toEqual([])
  clock.advance(1)
  await setImmediate()
  expect(uids(edits)).toEqual([['a', 'b']])
})

test('rows are acknowledged once all have them, until they change; who lacks them is named', async () => {
  const { ledger, acknowledge } = scripted()
  const told: string[] = []
  ledger.changed((owner) => told.push(owner))
  ledger.put('a', logOf('a'))
  expect(ledger.standing('a', true)).toEqual({ isAcknowledged: false, lacking: [] })
  await ledger.published()
  expect(ledger.standing('a', true)).toEqual({ isAcknowledged: false, lacking: ['filter'] })
  told.length = 0
  acknowledge(8)
  expect(told).toEqual(['a'])
  acknowledge(0)
  expect(ledger.standing('a', false)).toEqual({ isAcknowledged: true })
  ledger.put('a', logOf('a', 9))
  await ledger.published()
  expect(ledger.standing('a', true)).toEqual({ isAcknowledged: false, lacking: ['filter'] })
})
