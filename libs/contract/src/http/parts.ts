import { byKind, ROW_KINDS } from '../delta.ts'
import type { Delta, Row, Rows } from '../rows.ts'
import type { Message, Part } from './protocol.ts'

/** Rows in one message; a whole contract is written and read in pieces, and nothing else waits for it. */
const MAX_ROWS = 256

/** A delta as messages of bounded length: parts, then a delta that completes them and bears the revision. */
export function* partsOf({ put, removed, epoch, revision }: Delta): Generator<Message> {
  let part = emptyPart()
  let count = 0
  for (const kind of ROW_KINDS) {
    for (const each of [...removed[kind], ...(put[kind] as readonly Row[])]) {
      if (count === MAX_ROWS) {
        yield { type: 'part', ...(part as unknown as Part) }
        part = emptyPart()
        count = 0
      }
      if (typeof each === 'string') part.removed[kind].push(each)
      else part.put[kind].push(each)
      count += 1
    }
  }
  yield { type: 'delta', epoch, revision, ...(part as unknown as Part) }
}

/** Parts and the delta that completes them, put together. */
export function createAssembly(): { add(part: Part): void; complete(delta: Delta): Delta } {
  let parts: Part[] = []
  return {
    add: (part) => void parts.push(part),
    complete({ epoch, revision, ...last }) {
      const all = [...parts, last]
      parts = []
      return {
        ...{ epoch, revision },
        put: byKind((kind) => all.flatMap(({ put }) => put[kind] as readonly Row[])) as unknown as Rows,
        removed: byKind((kind) => all.flatMap(({ removed }) => removed[kind])),
      }
    },
  }
}

function emptyPart() {
  return { put: byKind(() => [] as Row[]), removed: byKind(() => [] as string[]) }
}
