import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { rows } from '../test/apart.ts'
import { contractCopy } from './contract-copy.ts'
import { knownOf, NO_ROWS } from './delta.ts'
import { createDocument } from './document.ts'
import type { Contract, RowsEdit } from './rows.ts'

const START: Contract = { ...NO_ROWS, epoch: 3, revision: 5 }
const NAMES = ['a', 'b', 'c', 'd']

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('edit' as const),
      put: fc.subarray(NAMES),
      removed: fc.subarray(NAMES),
      orderKey: fc.constantFrom('x', 'y'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('save' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('tear' as const), share: fc.double({ min: 0, max: 0.99, noNaN: true }) }),
  },
)

function editOf(put: readonly string[], removed: readonly string[], orderKey: string): RowsEdit {
  return {
    put: rows(put, orderKey),
    removed: { logs: removed, ingresses: removed, routes: removed, deliveries: removed },
  }
}

test('whatever was kept is there after any restart, whether or not a crash tore the change that followed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-copy-'))
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.constantFrom(1, 3_000, 1_000_000),
        async (steps, least) => {
          const path = join(await mkdtemp(join(folder, 'run-')), 'contract.json')
          const document = createDocument(START)
          let copy = contractCopy(path, least)
          await copy.load()
          let isKept = false
          const restart = async () => {
            await copy.idle?.()
            copy = contractCopy(path, least)
            const { value, setAside } = await copy.load()
            expect(setAside).toBeUndefined()
            if (!isKept) return
            expect([value?.epoch, value?.revision]).toEqual([document.epoch, document.revision])
            expect(knownOf(value ?? NO_ROWS)).toEqual(knownOf(document.contract()))
          }
          for (const each of steps) {
            if (each.do === 'edit') {
              const delta = document.deltaOf(editOf(each.put, each.removed, each.orderKey))
              if (delta === undefined) continue
              const from = document.revision
              document.apply(delta)
              await copy.append?.({ from, delta, whole: document.contract })
              isKept = true
            } else if (each.do === 'save') {
              await copy.save(document.contract())
              isKept = true
            } else if (each.do === 'restart') await restart()
            else if (isKept) {
              await copy.idle?.()
              const delta = document.deltaOf(editOf(['torn'], [], 'z'))
              const before = await readFile(`${path}.changes`).catch(() => undefined)
              if (delta === undefined || before === undefined) continue
              // Nobody was told of it: written by another, who was cut off
              const torn = contractCopy(path, 1_000_000)
              await torn.load()
              const length = (await readFile(`${path}.changes`)).length
              await torn.append?.({ from: document.revision, delta, whole: document.contract })
              const after = (await readFile(`${path}.changes`)).subarray(length)
              await writeFile(`${path}.changes`, before)
              await appendFile(`${path}.changes`, after.subarray(0, Math.floor(after.length * each.share)))
              await restart()
            }
          }
          await restart()
        },
      ),
      { numRuns: 40 },
    )
  } finally {
    await rm(folder, { recursive: true })
  }
}, 60_000)
