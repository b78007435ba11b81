import type { Bench, Case } from '../bench.ts'

const MEGABYTE = 1_000_000
const SMALL = { connections: 64, bodyBytes: 1024 }
const LARGE = { connections: 16, bodyBytes: MEGABYTE }

/** A case that forks one of our programs and posts to it until it can take no more; 202s count. */
function posted(name: string, about: string, file: string, size: typeof SMALL, against: readonly string[]): Case {
  return {
    name,
    about,
    against,
    async run(bench: Bench) {
      await using subject = await bench.fork(file, [bench.dataDir()])
      const url = `http://127.0.0.1:${subject.port}/default/default`
      return { [name]: await bench.measure({ url, pid: subject.pid, pacing: { kind: 'answers' }, ...size }) }
    },
  }
}

export const f1 = posted('f1', 'floor: raw node:http, POST to 202', 'floors/raw-http.ts', SMALL, [])
export const f1Large = posted('f1-1mb', 'floor: the same with 1 MB bodies', 'floors/raw-http.ts', LARGE, [])
export const ingressNull = posted(
  'ingress-null',
  'ingress, everything on, a channel that stores nothing',
  'subjects/ingress-null.ts',
  SMALL,
  ['f1'],
)
export const ingressNullLarge = posted(
  'ingress-null-1mb',
  'the same with 1 MB bodies',
  'subjects/ingress-null.ts',
  LARGE,
  ['f1-1mb'],
)
export const ingressDurable = posted(
  'ingress-durable',
  'ingress on the embedded channel: 202 after fsync',
  'subjects/ingress-durable.ts',
  SMALL,
  ['f1'],
)
