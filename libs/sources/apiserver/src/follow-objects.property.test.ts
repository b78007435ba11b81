import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { bench, ROW } from '../test/bench.ts'
import type { Fault, ScriptedApiServer } from '../test/scripted-api-server.ts'

const MINUTE_MS = 60_000
const NAMES = ['a', 'b', 'c']
/** Is there before the source is. */
const OLD = 'a'

type Step =
  | { readonly do: 'put' | 'remove' | 'label' | 'unlabel'; readonly name: string }
  | { readonly do: 'cut' | 'compact' | 'handOver' | 'outage' | 'away' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'fault'; readonly fault: Fault }

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.constantFrom<Fault>(
    { kind: 'status', status: 500 },
    { kind: 'status', status: 429 },
    { kind: 'status', status: 410 },
  ),
  fc.constantFrom<Fault>({ kind: 'unreachable' }, { kind: 'stall' }),
  fc.nat(600).map((after): Fault => ({ kind: 'cut', after })),
  fc.integer({ min: 1, max: 6 }).map((count): Fault => ({ kind: 'replay', count })),
)
const ofAnObject = fc.record({
  do: fc.constantFrom('put' as const, 'put' as const, 'remove' as const, 'label' as const, 'unlabel' as const),
  name: fc.constantFrom(...NAMES),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: ofAnObject },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('cut' as const, 'compact' as const, 'handOver' as const, 'outage' as const, 'away' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 600, 3_000, 70_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fault' as const), fault }) },
)

interface Run {
  readonly steps: readonly Step[]
  readonly isSelected: boolean
  readonly saysGoneAtOnce: boolean
}

/** Two replicas, an API server and everything that befalls them; what the sink was told, and what really happened. */
async function run({ steps, isSelected, saysGoneAtOnce }: Run) {
  const all = bench()
  const { clock, desk, api, replica, ingress, told } = all
  api.saysGoneAtOnce = saysGoneAtOnce
  const selector = isSelected ? { selector: { matchLabels: { on: 'yes' } } } : {}
  api.put('shop', OLD)
  await clock.advance(2_000)
  await using _a = replica()
  await using _b = replica()
  await desk.put({ ...ROW, resources: [{ apiVersion: 'v1', kind: 'Pod', ...selector }] })
  await clock.advance(1_000)
  let leftUnsaved = false
  const labels = new Map<string, object>()
  const apply: Record<Step['do'], (step: never) => unknown> = {
    put: ({ name }: { name: string }) => api.put('shop', name, { labels: labels.get(name) ?? {} }),
    label({ name }: { name: string }) {
      labels.set(name, { on: 'yes' })
      api.put('shop', name, { labels: { on: 'yes' } })
    },
    unlabel({ name }: { name: string }) {
      labels.delete(name)
      api.put('shop', name)
    },
    remove: ({ name }: { name: string }) => api.remove('shop', name),
    cut: () => api.cut(),
    compact: () => api.compact(),
    async handOver() {
      leftUnsaved ||= desk.isAway
      const done = desk.handOver(ROW.uid)
      // a former holder tries for a while to leave how far it came
      await clock.advance(3_000)
      await done
    },
    outage() {
      ingress.respond = ingress.respond({ n: 0 } as never) === 202 ? () => 503 : () => 202
    },
    away() {
      desk.isAway = !desk.isAway
    },
    wait: ({ ms }: { ms: number }) => clock.advance(ms),
    fault: ({ fault }: { fault: Fault }) => api.faults.push(fault),
  }
  for (const step of steps) {
    await apply[step.do](step as never)
    await clock.advance(1)
  }
  ingress.respond = () => 202
  desk.isAway = false
  api.faults.length = 0
  await clock.advance(5 * MINUTE_MS)
  return { told: told(), api, leftUnsaved }
}

/** What a sink that hears of nothing else believes there is: `name` to version. */
function believed(told: readonly string[], isSelected: boolean): ReadonlyMap<string, string> {
  const there = new Map<string, string>(isSelected ? [] : [[`shop/${OLD}`, '101']])
  for (const line of told) {
    const [what, place = '', version = ''] = line.split(' ')
    if (what === 'delete') there.delete(place)
    else there.set(place, version)
  }
  return there
}

function real(api: ScriptedApiServer, isSelected: boolean): ReadonlyMap<string, string> {
  const objects = api
    .objects()
    .filter(({ metadata }) => !isSelected || (metadata.labels as Record<string, string>).on === 'yes')
  return new Map(objects.map(({ metadata }) => [`shop/${metadata.name}`, String(metadata.resourceVersion)]))
}

const runs = fc.record({
  steps: fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }),
  isSelected: fc.boolean(),
  saysGoneAtOnce: fc.boolean(),
})

describe('whatever befalls the API server, its connections and the replicas', () => {
  test('the sink ends up believing what is there, and of each object hears add, updates, delete, in this order', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async (given) => {
        const { told, api, leftUnsaved } = await run(given)
        const there = [...real(api, given.isSelected)].toSorted()
        // what nobody kept, and no history has, can't be known to be gone
        const known = leftUnsaved ? there.map(([place]) => place) : [...believed(told, given.isSelected).keys()]
        expect([...believed(told, given.isSelected)].filter(([place]) => known.includes(place)).toSorted()).toEqual(
          there,
        )
        // who begins behind what was told, and finds no history, may say that something is new that is not
        for (const name of leftUnsaved ? [] : NAMES) {
          let isThere = name === OLD && !given.isSelected
          let last = 0
          for (const line of told.filter((each) => each.includes(`/${name} `))) {
            const [what, , version] = line.split(' ')
            expect([line, isThere]).toEqual([line, what !== 'add'])
            isThere = what !== 'delete'
            // of a removal that nobody saw there is the version before
            expect(Number(version)).toBeGreaterThanOrEqual(last)
            last = Number(version)
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  test('and where no history is lost, every single change is told, once, in order', async () => {
    const lossless = runs.map((given) => ({
      ...given,
      isSelected: false,
      steps: given.steps.filter(
        (each) =>
          each.do !== 'compact' && !(each.do === 'fault' && each.fault.kind === 'status' && each.fault.status === 410),
      ),
    }))
    await fc.assert(
      fc.asyncProperty(lossless, async (given) => {
        const { told, api } = await run(given)
        const words = { ADDED: 'add', MODIFIED: 'update', DELETED: 'delete' }
        for (const name of NAMES) {
          const happened = api.happened
            .filter(({ object }) => object.metadata.name === name)
            .map(({ type, version }) => `${words[type]} shop/${name} ${version}`)
            .filter((line) => line !== `add shop/${OLD} 101`)
          expect(told.filter((each) => each.includes(`/${name} `))).toEqual(happened)
        }
      }),
      { numRuns: 30 },
    )
  })
})
