import type { Case } from '../bench.ts'

/** Generator straight to the sink: neither may be what limits a floor. */
export const ceiling: Case = {
  name: 'ceiling',
  about: 'the generator against the sink, no server in between',
  against: [],
  async run(bench) {
    return { ceiling: await bench.measure({ pid: bench.sink.pid, pacing: { kind: 'answers' } }) }
  },
}
