import type { Bench, Case, Figures } from '../../bench.ts'

const MAX_SECONDS = 120

let channels = 0
/** A stream or channel of its own for each run. */
const newName = () => `bench${process.pid}x${channels++}`

async function ordered(bench: Bench, file: string, args: readonly string[]): Promise<Figures> {
  const { warmupMs, measureMs } = bench.flags
  await using program = await bench.fork(file, [bench.nats().url, newName(), ...args])
  return (await program.ask({ warmupMs, measureMs }, MAX_SECONDS)) as Figures
}

function publishing(name: string, about: string, file: string, against: readonly string[]): Case {
  return { name, about, against, run: async (bench) => ({ [name]: await ordered(bench, file, []) }) }
}

/** So many events are published first, then consumed. */
function consuming(name: string, about: string, file: string, against: readonly string[]): Case {
  const run = async (bench: Bench) => {
    const events = bench.flags.quick ? 10_000 : 40_000
    return { [name]: await ordered(bench, file, [String(events)]) }
  }
  return { name, about, against, run }
}

export const n1 = publishing(
  'n1',
  "floor: the client's js.publish, same headers, 256 in flight",
  'floors/nats-publish.ts',
  [],
)
export const publish = publishing('publish', 'publish through the port, 256 in flight', 'subjects/nats-publish.ts', [
  'n1',
])
export const n2 = consuming('n2', "floor: the client's pull consumer, explicit ack", 'floors/nats-consume.ts', [])
export const consume = consuming('consume', 'consume and ack through the port', 'subjects/nats-consume.ts', ['n2'])
