/** What is to run for a row; another `identity` is another run. */
export interface Wanted {
  readonly identity: string
}

export interface RunsDeps<W extends Wanted> {
  /** Resolves undefined where the signal aborted first; never rejects. */
  readonly start: (wanted: W, signal: AbortSignal) => Promise<AsyncDisposable | undefined>
  /** It has ended, and `next` comes. Told before anything else begins for the row. */
  readonly ended: (uid: string, was: W, next: W | undefined) => void
  readonly stopFailed: (wanted: W, error: unknown) => void
}

/** At most one run of a row at a time: the next begins once the one before has been disposed of. */
export interface Runs<W extends Wanted> {
  /** From now on; undefined: nothing. */
  want(uid: string, wanted: W | undefined): void
  /** Something runs, ends, or is about to begin. */
  has(uid: string): boolean
  /** What runs, or is still ending. */
  running(): readonly (readonly [uid: string, wanted: W])[]
  /** Resolves once all that is not wanted has ended. */
  settled(): Promise<void>
}

interface Run<W> {
  wanted: W | undefined
  running:
    | { readonly wanted: W; readonly stop: AbortController; readonly started: Promise<AsyncDisposable | undefined> }
    | undefined
  turning: Promise<void> | undefined
}

export function createRuns<W extends Wanted>(deps: RunsDeps<W>): Runs<W> {
  const runs = new Map<string, Run<W>>()

  async function turn(uid: string, run: Run<W>): Promise<void> {
    await null // never within `want`, which notes that this is under way
    while (run.running?.wanted.identity !== run.wanted?.identity) {
      const { running } = run
      if (running === undefined) {
        const { wanted } = run as { wanted: W }
        const stop = new AbortController()
        run.running = { wanted, stop, started: deps.start(wanted, stop.signal) }
        continue
      }
      running.stop.abort()
      const started = await running.started
      try {
        await started?.[Symbol.asyncDispose]()
      } catch (error) {
        deps.stopFailed(running.wanted, error)
      }
      run.running = undefined
      deps.ended(uid, running.wanted, run.wanted)
    }
    run.turning = undefined
    if (run.running === undefined) runs.delete(uid)
  }

  return {
    want(uid, wanted) {
      const run = runs.get(uid) ?? { wanted: undefined, running: undefined, turning: undefined }
      if (wanted === undefined && !runs.has(uid)) return
      runs.set(uid, run)
      run.wanted = wanted
      run.turning ??= turn(uid, run)
    },
    has: (uid) => runs.has(uid),
    running: () => [...runs].flatMap(([uid, { running }]) => (running ? [[uid, running.wanted] as const] : [])),
    async settled() {
      while ([...runs.values()].some(({ turning }) => turning !== undefined))
        await Promise.all([...runs.values()].map(({ turning }) => turning))
    },
  }
}
