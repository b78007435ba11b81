import type { Case } from '../bench.ts'

/** A case that forks one of our programs, which posts to the sink as fast as it can; arrivals count. */
function posting(name: string, about: string, file: string, against: readonly string[]): Case {
  return {
    name,
    about,
    against,
    async run(bench) {
      await using subject = await bench.fork(file, [bench.sink.url])
      return { [name]: await bench.measure({ pid: subject.pid, pacing: { kind: 'watch' }, toSink: true }) }
    },
  }
}

export const f2 = posting('f2', "floor: undici's Pool.request, 64 at once", 'floors/undici-pool.ts', [])
export const dispatchMemory = posting(
  'dispatch-memory',
  'dispatcher, deliveries handed out from memory',
  'subjects/dispatch-memory.ts',
  ['f2'],
)
