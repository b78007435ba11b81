import type { Case } from '../bench.ts'
import { manifestsWith } from '../manifests.ts'

export const start: Case = {
  name: 'start',
  about: 'from nothing to ready, warm: standalone, and a raw node:http server beside it',
  against: [],
  async run(bench) {
    const bare = await millisecondsTo(() => bench.fork('floors/raw-http.ts', [bench.dataDir()]))
    const subject = () => bench.standalone(manifestsWith({ sinkUrl: bench.sink.url, others: 0 }))
    await millisecondsTo(subject) // fills the compile cache
    return { 'start-bare': { readyMs: bare }, start: { readyMs: await millisecondsTo(subject) } }
  },
}

async function millisecondsTo(begin: () => Promise<AsyncDisposable>): Promise<number> {
  await using stack = new AsyncDisposableStack()
  const before = performance.now()
  stack.use(await begin())
  return performance.now() - before
}
