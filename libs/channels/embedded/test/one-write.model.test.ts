import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { LANE_KEYS, OneWriteModel, QUEUES, type Step } from './one-write-model.ts'

const queue = fc.nat(QUEUES.length - 1)
const lane = fc.nat(LANE_KEYS.length - 1)
const which = fc.nat(7)
const publish = fc.record({ do: fc.constant('publish' as const), queue, lane, isKeyed: fc.boolean() })
const as = fc.constantFrom('ack', 'ack', 'nack', 'release', 'park' as const)
const end = fc.record({ do: fc.constant('end' as const), which, as, ms: fc.constantFrom(0, 0, 400) })
const wait = fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 1, 6, 40, 260, 600) })

const stepsOf = (widest: number): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 10, arbitrary: publish },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('publish' as const), queue, lane, notBefore: fc.constant(100) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), which }) },
    { weight: 8, arbitrary: end },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('window' as const), queue, size: fc.nat(widest) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), which }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
    { weight: 6, arbitrary: wait },
  )

async function brokenBy(steps: readonly Step[], window: number): Promise<readonly string[]> {
  const model = new OneWriteModel(window)
  await model.run(steps)
  return model.broken
}

const step = stepsOf(3)
const seed = Number(process.env.MODEL_SEED ?? 1)
const numRuns = Number(process.env.MODEL_RUNS ?? 150)

const store = fc.record({
  do: fc.constant('store' as const),
  how: fc.constantFrom('well', 'well', 'late', 'refused', 'unheard' as const),
})
const restart = fc.record({ do: fc.constant('restart' as const) })

test.each<[string, number, fc.Arbitrary<Step>]>([
  ['while the store works', 2, step],
  [
    'one at a time, while the store fails now and then',
    1,
    fc.oneof({ weight: 35, arbitrary: stepsOf(1) }, { weight: 4, arbitrary: store }),
  ],
  ['while the store fails now and then', 2, fc.oneof({ weight: 35, arbitrary: step }, { weight: 4, arbitrary: store })],
  [
    'over restarts as well',
    2,
    fc.oneof({ weight: 35, arbitrary: step }, { weight: 2, arbitrary: store }, { weight: 1, arbitrary: restart }),
  ],
])(
  'whatever happens, the one-write path keeps its promises, %s',
  async (_, window, arbitrary) => {
    const steps = fc.array(arbitrary, { minLength: 5, maxLength: 80, size: 'max' })
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        expect(await brokenBy([{ do: 'join' }, ...taken], window)).toEqual([])
      }),
      { seed, numRuns, interruptAfterTimeLimit: 60_000 },
    )
  },
  120_000,
)
