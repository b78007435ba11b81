import type { Bench, Case, Figures } from '../bench.ts'

/** The filter alone, from log to queue, in a process that does nothing else: CPU per event, one trigger matches each. */
function filtering(name: string, about: string, args: readonly [dialect: string, triggers: string]): Case {
  return {
    name,
    about,
    against: name === 'filter-1' ? [] : ['filter-1'],
    async run(bench: Bench) {
      await using subject = await bench.fork('subjects/filter-memory.ts', args)
      const { warmupMs, measureMs } = bench.flags
      return { [name]: (await subject.ask({ warmupMs, measureMs }, 600)) as Figures }
    },
  }
}

export const filter1 = filtering('filter-1', 'the filter alone, 1 exact trigger', ['exact', '1'])
export const filter10000 = filtering('filter-10000', 'the same with 10,000 exact triggers', ['exact', '10000'])
export const filterCesql = filtering('filter-cesql', 'the same with 1,000 CESQL triggers of three comparisons', [
  'cesql',
  '1000',
])
